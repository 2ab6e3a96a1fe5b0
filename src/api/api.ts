import type { Server } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';

import type { Service } from '../process/service.js';
import { refuseOpenBind } from './bind.js';
import type { ApiDeps, ApiServer } from './context.js';
import { renewing, tellRefusals } from './http/https.js';
import { buildServer } from './server.js';

const CLOSE_MS = 10_000;
/** Clients that leave a stream open a connection in advance. One on which nothing was ever asked is no reason to wait for longer than this. */
const UNUSED_MS = 1_000;

/** The API role: listens while it runs; stops by letting go whoever waits and finishing what is being answered. */
export class Api implements Service {
  readonly name = 'api';
  readonly #deps: ApiDeps;
  #server: ApiServer | undefined;
  readonly #unused = new Set<Socket>();
  #closing: Promise<void> | undefined;

  constructor(deps: ApiDeps) {
    this.#deps = deps;
  }

  /** Where it listens; undefined before that. */
  get url(): string | undefined {
    const address = this.#server?.server.address() as AddressInfo | null | undefined;
    if (!address) return undefined;
    const scheme = this.#deps.tls ? 'https' : 'http';
    return `${scheme}://${address.family === 'IPv6' ? `[${address.address}]` : address.address}:${address.port}`;
  }

  /** Throws OpenBind, StoreError, and the system's error when the address cannot be had. */
  async start(): Promise<void> {
    const { settings, store, tls } = this.#deps;
    const { host, port } = settings;
    await refuseOpenBind({ host, encrypted: tls !== undefined || settings.behindTlsProxy }, store.tokens);
    const server = buildServer(this.#deps);
    this.#prepare([server.server]);
    await server.listen({ host, port, listenTextResolver: address => `Listening on ${address}.` });
    this.#server = server;
    this.#prepare(furtherServers(server));
  }

  #prepare(servers: readonly Server[]): void {
    const { settings, tls, log, runtime } = this.#deps;
    for (const server of servers) {
      server.maxConnections = settings.maxConnections;
      server.on('connection', (socket: Socket) => {
        this.#unused.add(socket);
        socket.once('close', () => this.#unused.delete(socket));
      });
      server.on('request', ({ socket }) => this.#unused.delete(socket));
    }
    if (!tls) return;
    renewing(tls, servers);
    tellRefusals(servers, log, runtime.clock);
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
    await timers.sleep(UNUSED_MS, closed.signal);
    for (const socket of this.#unused) socket.destroy();
    await timers.sleep(CLOSE_MS - UNUSED_MS, closed.signal);
    if (!closed.signal.aborted) this.#deps.log.warn(`Requests did not end within ${CLOSE_MS / 1_000} s and are cut off.`);
    server.server.closeAllConnections();
    await closing;
  }
}

/** `localhost` may be two addresses; Fastify then has a second server, and no other way to it. */
function furtherServers(app: ApiServer): readonly Server[] {
  const key = Object.getOwnPropertySymbols(app).find(symbol => symbol.description === 'fastify.serverBindings');
  return key === undefined ? [] : ((app as unknown as Record<symbol, Server[]>)[key] ?? []);
}
