import { createSecureContext, type SecureContext, type SecureContextOptions } from 'node:tls';

import { readMaterial, type Material, type TlsFiles } from './material.js';

/**
 * Certificates, key and revocation lists of one purpose, which can be read anew while connections are made with them. Connections that are open stay as they
 * are; every later one is made with what was read last.
 */
export class LiveTls {
  /** Whose they are, as the settings call it: `mongo`, `amqp`, `api`. */
  readonly name: string;
  /** One object for ever: drivers keep what they are given at first. Its content is replaced. */
  readonly secureContext: SecureContext;
  readonly #files: TlsFiles;
  readonly #listeners: (() => void)[] = [];
  #material: Material;

  /** Throws UnsoundTls. */
  constructor(name: string, files: TlsFiles, now: Date) {
    this.name = name;
    this.#files = files;
    this.#material = readMaterial(files, now);
    this.secureContext = createSecureContext(this.#material.options);
  }

  /** For servers, which take options and can be given others. */
  get options(): SecureContextOptions {
    return this.#material.options;
  }

  get ends(): Material['ends'] {
    return this.#material.ends;
  }

  onChange(listener: () => void): void {
    this.#listeners.push(listener);
  }

  /** Whether anything had changed. Throws UnsoundTls for files that are no good; what was read before stays in force then. */
  reread(now: Date): boolean {
    const material = readMaterial(this.#files, now);
    if (material.digest === this.#material.digest) return false;
    this.#material = material;
    // `context` is what a connection is made from; a driver that holds the object around it finds the new one.
    this.secureContext.context = createSecureContext(material.options).context as unknown;
    for (const listener of this.#listeners) listener();
    return true;
  }
}
