import type { AddressInfo } from 'node:net';

import type { Service } from '../process/service.js';
import type { ApiDeps, ApiServer } from './context.js';
import { buildServer } from './server.js';

const CLOSE_MS = 10_000;

/** The API role: listens while it runs; stops by letting go whoever waits and finishing what is being answered. */
export class Api implements Service {
  readonly name = 'api';
  readonly #deps: ApiDeps;
  #server: ApiServer | undefined;
  #closing: Promise<void> | undefined;

  constructor(deps: ApiDeps) {
    this.#deps = deps;
  }

  /** Where it listens; undefined before that. */
  get url(): string | undefined {
    const address = this.#server?.server.address() as AddressInfo | null | undefined;
    if (!address) return undefined;
    return `http://${address.family === 'IPv6' ? `[${address.address}]` : address.address}:${address.port}`;
  }

  /** Throws OpenBind, and the system's error when the address cannot be had. */
  async start(): Promise<void> {
    const { host, port } = this.#deps.settings;
    const server = buildServer(this.#deps);
    await server.listen({ host, port, listenTextResolver: address => `Listening on ${address}.` });
    this.#server = server;
  }

  async stop(): Promise<void> {
    await (this.#closing ??= this.#close());
  }

  async #close(): Promise<void> {
    const server = this.#server;
    if (!server) return;
    const { timers } = this.#deps.runtime;
    const closed = new AbortController();
    const closing = server.close().finally(() => closed.abort());
    await timers.sleep(CLOSE_MS, closed.signal);
    if (!closed.signal.aborted) this.#deps.log.warn(`Requests did not end within ${CLOSE_MS / 1_000} s and are cut off.`);
    server.server.closeAllConnections();
    await closing;
  }
}
