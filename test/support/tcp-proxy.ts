import { createServer, connect, type AddressInfo, type Server, type Socket } from 'node:net';

/**
 * `pass`: bytes flow. `blackhole`: nothing flows, not even the end of a connection; what was sent arrives when bytes flow again, as after
 * a cable was pulled. `reset`, `close`: every connection, present and new, ends with RST or FIN.
 */
export type ProxyMode = 'pass' | 'blackhole' | 'reset' | 'close';

interface Pair {
  client: Socket;
  server: Socket | undefined;
  /** Bytes that came from the server. */
  bytes: number;
}

/** A TCP proxy that breaks connections, for one target. One proxy per process under test, so that each can be cut off alone. */
export class TcpProxy {
  readonly #listener: Server;
  readonly #target: { host: string; port: number };
  readonly #pairs = new Set<Pair>();
  #mode: ProxyMode = 'pass';
  #cutAfter: { bytes: number; times: number } | undefined;
  /** Connections accepted so far. */
  accepted = 0;

  private constructor(target: { host: string; port: number }) {
    this.#target = target;
    this.#listener = createServer({ allowHalfOpen: true, pauseOnConnect: true }, client => this.#accept(client));
  }

  /** Listens on a free port of 127.0.0.1 for the host and port of `url`. */
  static async before(url: string, defaultPort: number): Promise<TcpProxy> {
    const { hostname, port } = new URL(url);
    const proxy = new TcpProxy({ host: hostname, port: port === '' ? defaultPort : Number(port) });
    await new Promise<void>((resolve, reject) => {
      proxy.#listener.once('error', reject).listen(0, '127.0.0.1', resolve);
    });
    return proxy;
  }

  get port(): number {
    return (this.#listener.address() as AddressInfo).port;
  }

  /** Connections that are open through it now. */
  get open(): number {
    return this.#pairs.size;
  }

  /** The same URL, by way of this proxy. (For MongoDB add `directConnection=true`: a replica set names its members itself.) */
  url(original: string): string {
    const url = new URL(original);
    url.hostname = '127.0.0.1';
    url.port = String(this.port);
    return url.href;
  }

  set(mode: ProxyMode): void {
    this.#mode = mode;
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

  get cutsLeft(): number {
    return this.#cutAfter?.times ?? 0;
  }

  async close(): Promise<void> {
    this.cut('reset');
    await new Promise<void>(resolve => this.#listener.close(() => resolve()));
  }

  #accept(client: Socket): void {
    this.accepted++;
    const pair: Pair = { client, server: undefined, bytes: 0 };
    this.#pairs.add(pair);
    client.on('error', () => end(pair, 'reset'));
    client.on('close', () => this.#pairs.delete(pair));
    this.#apply(pair);
  }

  #apply(pair: Pair): void {
    switch (this.#mode) {
      case 'pass':
        pair.server ??= this.#dial(pair);
        pair.client.resume();
        pair.server.resume();
        return;
      case 'blackhole':
        // Not read, so neither bytes nor ends are seen, let alone handed on.
        pair.client.pause();
        pair.server?.pause();
        return;
      case 'reset':
      case 'close':
        end(pair, this.#mode);
    }
  }

  #dial(pair: Pair): Socket {
    const server = connect({ ...this.#target, allowHalfOpen: true });
    server.on('error', () => end(pair, 'reset'));
    server.on('close', () => end(pair, 'close'));
    server.on('end', () => pair.client.end());
    server.on('data', chunk => {
      pair.bytes += chunk.length;
      if (this.#cuts(pair)) end(pair, 'reset');
      else pair.client.write(chunk);
    });
    pair.client.on('end', () => server.end());
    pair.client.on('data', chunk => server.write(chunk));
    return server;
  }

  #cuts(pair: Pair): boolean {
    const cut = this.#cutAfter;
    if (!cut || cut.times === 0 || pair.bytes < cut.bytes) return false;
    cut.times--;
    return true;
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
