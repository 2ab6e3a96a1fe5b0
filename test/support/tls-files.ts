import { mkdtempSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import type { TlsFiles } from '../../src/process/tls/material.js';
import { TestAuthority, type Certified, type Issuing } from './certificates.js';

/** An authority and a folder with its files, which are replaced as an operator would: whole, in one step. */
export class TlsFolder {
  readonly path = mkdtempSync(join(tmpdir(), 'interlock-tls-'));
  readonly authority = new TestAuthority();

  constructor() {
    this.put('ca.pem', this.authority.ca);
    this.publishCrl();
  }

  file(name: string): string {
    return join(this.path, name);
  }

  put(name: string, text: string): string {
    writeFileSync(this.file(`${name}.new`), text);
    renameSync(this.file(`${name}.new`), this.file(name));
    return this.file(name);
  }

  /** `NAME.pem` and `NAME.key`. */
  issue(name: string, options: Issuing = {}): Certified {
    const certified = this.authority.issue(name, options);
    this.put(`${name}.pem`, certified.cert);
    this.put(`${name}.key`, certified.key);
    return certified;
  }

  publishCrl(next?: Date): void {
    this.put('ca.crl', this.authority.crl(next));
  }

  /** What an API or a client of a server is given. */
  files(name?: string, more: Partial<TlsFiles> = {}): TlsFiles {
    return {
      caFile: this.file('ca.pem'),
      certificateFile: name === undefined ? null : this.file(`${name}.pem`),
      keyFile: name === undefined ? null : this.file(`${name}.key`),
      crlFile: this.file('ca.crl'),
      crlDirectory: null,
      ...more,
    };
  }

  /** The same as settings of one part; an API needs no authority to show its certificate. */
  settings(part: 'AMQP' | 'MONGO' | 'API', name: string): Record<string, string> {
    return {
      ...(part !== 'API' && { [`INTERLOCK_${part}_TLS_CA_FILE`]: this.file('ca.pem') }),
      [`INTERLOCK_${part}_TLS_CERTIFICATE_FILE`]: this.file(`${name}.pem`),
      [`INTERLOCK_${part}_TLS_KEY_FILE`]: this.file(`${name}.key`),
    };
  }

  remove(): void {
    rmSync(this.path, { recursive: true });
  }
}
