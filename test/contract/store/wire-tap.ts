import { connect, createServer, type AddressInfo, type Server, type Socket } from 'node:net';
import { BSON, type Document } from 'mongodb';

const OP_MSG = 2013;
/** Length, request, response and kind of message, flags, kind of the first section. */
const FIRST_DOCUMENT = 21;

/** A proxy that notes the commands which pass. */
export class WireTap {
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();
  /** In order, without documents that follow a command in sections of their own. */
  commands: Document[] = [];

  private constructor(target: { host: string; port: number }) {
    this.#server = createServer(client => this.#serve(client, connect(target)));
  }

  static async before(url: string): Promise<WireTap> {
    const { hostname, port } = new URL(url);
    const tap = new WireTap({ host: hostname, port: Number(port) });
    await new Promise<void>(resolve => tap.#server.listen(0, '127.0.0.1', resolve));
    return tap;
  }

  get url(): string {
    return `mongodb://127.0.0.1:${(this.#server.address() as AddressInfo).port}/?directConnection=true`;
  }

  async close(): Promise<void> {
    for (const socket of this.#sockets) socket.destroy();
    await new Promise<void>(resolve => this.#server.close(() => resolve()));
  }

  #serve(client: Socket, server: Socket): void {
    let pending: Buffer = Buffer.alloc(0);
    for (const [from, to] of [
      [client, server],
      [server, client],
    ] as const) {
      this.#sockets.add(from);
      from.on('error', () => to.destroy());
      from.on('close', () => to.destroy());
    }
    server.on('data', chunk => client.write(chunk));
    client.on('data', chunk => {
      server.write(chunk);
      pending = Buffer.concat([pending, chunk]);
      while (pending.length >= 4 && pending.length >= pending.readInt32LE(0)) {
        this.#note(pending.subarray(0, pending.readInt32LE(0)));
        pending = pending.subarray(pending.readInt32LE(0));
      }
    });
  }

  #note(message: Buffer): void {
    if (message.readInt32LE(12) !== OP_MSG) return;
    const length = message.readInt32LE(FIRST_DOCUMENT);
    this.commands.push(BSON.deserialize(message.subarray(FIRST_DOCUMENT, FIRST_DOCUMENT + length), { promoteValues: true }));
  }
}
