import { connect, createServer, type AddressInfo, type Server, type Socket } from 'node:net';

interface Crime {
  marker: Buffer;
  times: number;
  how: 'lose' | 'hold';
}

/**
 * A proxy that hands a command on and then loses its reply (or holds it until `release`): the command takes effect, and its sender does not
 * know. Commands are told by text in them.
 */
export class ReplyThief {
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();
  readonly #held = new Set<Socket>();
  #crime: Crime | undefined;

  private constructor(target: { host: string; port: number }) {
    this.#server = createServer(client => this.#serve(client, connect(target)));
  }

  static async before(url: string): Promise<ReplyThief> {
    const { hostname, port } = new URL(url);
    const thief = new ReplyThief({ host: hostname, port: Number(port) });
    await new Promise<void>(resolve => thief.#server.listen(0, '127.0.0.1', resolve));
    return thief;
  }

  get url(): string {
    return `mongodb://127.0.0.1:${(this.#server.address() as AddressInfo).port}/?directConnection=true`;
  }

  /** Loses the replies to the next commands that hold this text, connection and all. */
  lose(marker: string, times = 1): void {
    this.#crime = { marker: Buffer.from(marker), times, how: 'lose' };
  }

  hold(marker: string): void {
    this.#crime = { marker: Buffer.from(marker), times: 1, how: 'hold' };
  }

  /** Replies that are still to be lost or held. */
  get left(): number {
    return this.#crime?.times ?? 0;
  }

  get holding(): boolean {
    return this.#held.size > 0;
  }

  release(): void {
    for (const server of this.#held) server.resume();
    this.#held.clear();
  }

  async close(): Promise<void> {
    for (const socket of this.#sockets) socket.destroy();
    await new Promise<void>(resolve => this.#server.close(() => resolve()));
  }

  #serve(client: Socket, server: Socket): void {
    const both = [client, server];
    let loses = false;
    for (const socket of both) {
      this.#sockets.add(socket);
      socket.on('error', () => undefined);
      socket.on('close', () => both.forEach(each => each.destroy()));
    }
    client.on('data', chunk => {
      const crime = this.#crime;
      if (crime && crime.times > 0 && chunk.includes(crime.marker)) {
        crime.times--;
        if (crime.how === 'lose') loses = true;
        else this.#held.add(server.pause());
      }
      server.write(chunk);
    });
    server.on('data', chunk => {
      if (loses) both.forEach(each => each.destroy());
      else client.write(chunk);
    });
  }
}
