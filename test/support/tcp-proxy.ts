import { createServer, connect, type AddressInfo, type Server, type Socket } from 'node:net';

import { Substitution } from './substitution.js';
import { TcpLane, type Pace } from './tcp-lane.js';

/**
 * `pass`: bytes flow. `blackhole`: nothing flows, not even the end of a connection; what was sent arrives when bytes flow again, as after
 * a cable was pulled; `blackhole-up` and `blackhole-down` do that to what goes to the server, or comes from it. `delay`, `slice`: bytes
 * flow late, or one by one. `reject`: new connections end with RST. `reset`, `close`: every connection, present and new, ends with RST or FIN.
 */
export type ProxyMode =
  'pass' | 'blackhole' | 'blackhole-up' | 'blackhole-down' | 'delay' | 'slice' | 'reject' | 'reset' | 'close';

interface Pair {
  client: Socket;
  server: Socket | undefined;
  /** Bytes that came from the server. */
  bytes: number;
  /** Something was sent to the server since it last spoke. */
  asked: boolean;
  /** An answer was dropped: nothing more comes through, and the connection ends soon. */
  deaf: boolean;
}

/** A TCP proxy that breaks connections, for one target. One proxy per process under test, so that each can be cut off alone. */
export class TcpProxy {
  readonly #listener: Server;
  readonly #target: { host: string; port: number };
  readonly #pairs = new Set<Pair>();
  #mode: ProxyMode = 'pass';
  #pace: Pace = { kind: 'plain' };
  #cutAfter: { bytes: number; times: number } | undefined;
  #drop = { times: 0, holdMs: 0 };
  #held: string | undefined;
  #substitutions: [from: string, to: string][] = [];
  /** Connections accepted so far. */
  accepted = 0;

  private constructor(target: { host: string; port: number }) {
    this.#target = target;
    this.#listener = createServer({ allowHalfOpen: true, pauseOnConnect: true }, client => this.#accept(client));
  }

  /**
   * Listens on a free port of 127.0.0.1 for the host and port of `url`. `disguised`: where the server names its own address, as the
   * member of a replica set does, the client reads that of the proxy, and so never goes round it; a text: the proxy's under that name. `says`: bytes (as latin1) that the client reads in
   * the place of others that the server says.
   */
  static async before(
    url: string,
    defaultPort: number,
    options: { disguised?: boolean | string; says?: [from: string, to: string] } = {},
  ): Promise<TcpProxy> {
    const { hostname, port } = new URL(url);
    const proxy = new TcpProxy({ host: hostname, port: port === '' ? defaultPort : Number(port) });
    await new Promise<void>((resolve, reject) => {
      proxy.#listener.once('error', reject).listen(0, '127.0.0.1', resolve);
    });
    const { host, port: targetPort } = proxy.#target;
    const name = options.disguised === true ? host : options.disguised;
    if (name) proxy.#substitutions.push([`${host}:${targetPort}`, `${name}:${proxy.port}`]);
    if (options.says) proxy.#substitutions.push(options.says);
    return proxy;
  }

  get port(): number {
    return (this.#listener.address() as AddressInfo).port;
  }

  /** Connections that are open through it now. */
  get open(): number {
    return this.#pairs.size;
  }

  /** The same URL, by way of this proxy. (For MongoDB it must be disguised, or the URL say `directConnection=true`.) */
  url(original: string, hostname = '127.0.0.1'): string {
    const url = new URL(original);
    url.hostname = hostname;
    url.port = String(this.port);
    return url.href;
  }

  /** @param delayMs for the mode `delay`, each way */
  set(mode: ProxyMode, delayMs = 0): void {
    this.#mode = mode;
    this.#pace = mode === 'delay' ? { kind: 'delay', ms: delayMs } : { kind: mode === 'slice' ? 'slice' : 'plain' };
    for (const pair of this.#pairs) this.#apply(pair);
  }

  /** Ends the connections of this moment; new ones pass. */
  cut(how: 'reset' | 'close' = 'reset'): void {
    for (const pair of [...this.#pairs]) end(pair, how);
  }

  /** Resets each of the next `times` connections as soon as `bytes` came from the server. */
  cutAfter(bytes: number, times: number): void {
    this.#cutAfter = { bytes, times };
  }

  /** Each of the next `times` questions reaches the server, and its answer nobody; its connection is reset `holdMs` later. */
  dropReplies(times: number, holdMs: number): void {
    this.#drop = { times, holdMs };
  }

  /** The next question that holds this text reaches the server; nothing of its connection comes back until the mode is set anew. */
  holdReplyTo(text: string): void {
    this.#held = text;
  }

  get cutsLeft(): number {
    return this.#cutAfter?.times ?? 0;
  }

  get dropsLeft(): number {
    return this.#drop.times;
  }

  async close(): Promise<void> {
    this.cut('reset');
    await new Promise<void>(resolve => this.#listener.close(() => resolve()));
  }

  #accept(client: Socket): void {
    this.accepted++;
    const pair: Pair = { client, server: undefined, bytes: 0, asked: false, deaf: false };
    this.#pairs.add(pair);
    client.on('error', () => end(pair, 'reset'));
    client.on('close', () => this.#pairs.delete(pair));
    if (this.#mode === 'reject') end(pair, 'reset');
    else this.#apply(pair);
  }

  #apply(pair: Pair): void {
    switch (this.#mode) {
      case 'pass':
      case 'delay':
      case 'slice':
      case 'reject':
        pair.server ??= this.#dial(pair);
        pair.client.resume();
        pair.server.resume();
        return;
      case 'blackhole':
        // Not read, so neither bytes nor ends are seen, let alone handed on.
        pair.client.pause();
        pair.server?.pause();
        return;
      case 'blackhole-up':
        pair.server ??= this.#dial(pair);
        pair.client.pause();
        pair.server.resume();
        return;
      case 'blackhole-down':
        pair.server ??= this.#dial(pair);
        pair.server.pause();
        pair.client.resume();
        return;
      case 'reset':
      case 'close':
        end(pair, this.#mode);
    }
  }

  #dial(pair: Pair): Socket {
    const { host, port } = this.#target;
    const server = connect({ host, port, allowHalfOpen: true });
    const up = new TcpLane(server);
    const down = new TcpLane(pair.client);
    const substitutions = this.#substitutions.map(([from, to]) => new Substitution(from, to));
    server.on('error', () => end(pair, 'reset'));
    server.on('close', () => end(pair, 'close'));
    server.on('end', () => down.end());
    server.on('data', chunk => {
      if (!this.#lets(pair, chunk)) return;
      let said: Buffer = chunk;
      for (const each of substitutions) said = each.pass(said);
      down.send(said, this.#pace);
    });
    pair.client.on('end', () => up.end());
    pair.client.on('data', chunk => {
      pair.asked = true;
      if (this.#held !== undefined && chunk.includes(this.#held)) {
        this.#held = undefined;
        server.pause();
      }
      up.send(chunk, this.#pace);
    });
    return server;
  }

  /** Whether what the server says is handed on. */
  #lets(pair: Pair, chunk: Buffer): boolean {
    pair.bytes += chunk.length;
    if (this.#cuts(pair)) end(pair, 'reset');
    else if (pair.asked && !pair.deaf && this.#drop.times > 0) this.#deafen(pair);
    pair.asked = false;
    return !pair.deaf && !pair.client.destroyed;
  }

  #cuts(pair: Pair): boolean {
    const cut = this.#cutAfter;
    if (!cut || cut.times === 0 || pair.bytes < cut.bytes) return false;
    cut.times--;
    return true;
  }

  #deafen(pair: Pair): void {
    this.#drop.times--;
    pair.deaf = true;
    setTimeout(() => end(pair, 'reset'), this.#drop.holdMs);
  }
}

function end(pair: Pair, how: 'reset' | 'close'): void {
  for (const socket of [pair.client, pair.server]) {
    if (how === 'close') socket?.destroySoon();
    // Node 20 cannot reset a socket whose end is on its way: the handle is never closed, and the process never exits.
    else if (socket?.writableEnded) socket.destroy();
    else socket?.resetAndDestroy();
  }
}
