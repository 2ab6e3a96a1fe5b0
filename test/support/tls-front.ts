import { once } from 'node:events';
import { connect, type AddressInfo, type Socket } from 'node:net';
import { createServer, type Server, type TlsOptions } from 'node:tls';

import { Substitution } from './substitution.js';

/** What OpenSSL says of the first bytes of AMQP, MongoDB's protocol, and HTTP. */
const NOT_TLS = new Set(['ERR_SSL_WRONG_VERSION_NUMBER', 'ERR_SSL_PACKET_LENGTH_TOO_LONG', 'ERR_SSL_HTTP_REQUEST']);

/** Ends TLS before a plain server, as that server would itself. */
export class TlsFront {
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();
  /** Connections on which TLS came about. */
  accepted = 0;
  /** Connections on which something else than TLS was spoken. */
  inTheOpen = 0;

  private constructor(target: { host: string; port: number }, options: TlsOptions, disguised: boolean) {
    this.#server = createServer(options, client => {
      this.accepted += 1;
      const server = connect(target);
      // A member of a replica set names its own address.
      const own = disguised ? new Substitution(`${target.host}:${target.port}`, `${target.host}:${this.port}`) : undefined;
      for (const socket of [client, server]) {
        this.#sockets.add(socket);
        socket.setNoDelay(true);
        socket.on('error', () => undefined);
        socket.on('close', () => {
          this.#sockets.delete(socket);
          client.destroy();
          server.destroy();
        });
      }
      client.pipe(server);
      server.on('data', chunk => client.write(own ? own.pass(chunk) : chunk));
    });
    // Clients that refuse us are what the tests are about.
    this.#server.on('tlsClientError', ({ code }: NodeJS.ErrnoException) => {
      if (code !== undefined && NOT_TLS.has(code)) this.inTheOpen += 1;
    });
  }

  static async before(url: string, options: TlsOptions, disguised = false): Promise<TlsFront> {
    const { hostname, port } = new URL(url);
    const front = new TlsFront({ host: hostname, port: Number(port) }, options, disguised);
    front.#server.listen(0, '127.0.0.1');
    await once(front.#server, 'listening');
    return front;
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  /** Shows another certificate from now on; what is open stays so. */
  show(options: TlsOptions): void {
    this.#server.setSecureContext(options);
  }

  cut(): void {
    for (const socket of [...this.#sockets]) socket.destroy();
  }

  async close(): Promise<void> {
    this.#server.close();
    this.cut();
    if (this.#server.listening) await once(this.#server, 'close');
  }
}
