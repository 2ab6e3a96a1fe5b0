import { createServer, type AddressInfo, type Server, type Socket } from 'node:net';
import { BSON, type Document } from 'mongodb';

const OP_REPLY = 1;
const OP_QUERY = 2004;
const OP_MSG = 2013;

/** Answers `hello` and `buildInfo` as it is told, and everything else with `ok`. */
export class FakeMongod {
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();

  private constructor(hello: Document, version: string) {
    const common = {
      ok: 1,
      maxWireVersion: 21,
      minWireVersion: 0,
      maxBsonObjectSize: 16_777_216,
      maxMessageSizeBytes: 48_000_000,
    };
    const answer = (command: Document): Document => {
      if ('buildInfo' in command) return { ok: 1, version };
      return { ...common, maxWriteBatchSize: 100_000, localTime: new Date(), logicalSessionTimeoutMinutes: 30, ...hello };
    };
    this.#server = createServer(socket => {
      this.#sockets.add(socket);
      let pending = Buffer.alloc(0);
      socket.on('error', () => undefined);
      socket.on('data', chunk => {
        pending = Buffer.concat([pending, chunk]);
        while (pending.length >= 4 && pending.length >= pending.readInt32LE(0)) {
          const length = pending.readInt32LE(0);
          socket.write(reply(pending.subarray(0, length), answer));
          pending = pending.subarray(length);
        }
      });
    });
  }

  static async listen(hello: Document, version = '7.0.0'): Promise<FakeMongod> {
    const fake = new FakeMongod(hello, version);
    await new Promise<void>(resolve => fake.#server.listen(0, '127.0.0.1', resolve));
    return fake;
  }

  get address(): string {
    return `127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  async close(): Promise<void> {
    for (const socket of this.#sockets) socket.destroy();
    await new Promise<void>(resolve => this.#server.close(() => resolve()));
  }
}

function reply(message: Buffer, answer: (command: Document) => Document): Buffer {
  const requestId = message.readInt32LE(4);
  const isQuery = message.readInt32LE(12) === OP_QUERY;
  // OP_QUERY: flags, name of the collection with its NUL, skip, limit. OP_MSG: flags, kind of the section.
  const at = isQuery ? message.indexOf(0, 20) + 9 : 21;
  const document = BSON.serialize(answer(BSON.deserialize(message.subarray(at, at + message.readInt32LE(at)))));
  const body = isQuery ? replyFields() : Buffer.alloc(5);
  const header = Buffer.alloc(16);
  header.writeInt32LE(16 + body.length + document.length, 0);
  header.writeInt32LE(requestId, 8);
  header.writeInt32LE(isQuery ? OP_REPLY : OP_MSG, 12);
  return Buffer.concat([header, body, document]);
}

/** Flags, cursor, start, and one document. */
function replyFields(): Buffer {
  const fields = Buffer.alloc(20);
  fields.writeInt32LE(1, 16);
  return fields;
}
