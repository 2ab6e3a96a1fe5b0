import { expect } from 'chai';
import { BSON } from 'mongodb';
import { once } from 'node:events';
import { createServer, type AddressInfo, type Server, type Socket } from 'node:net';
import { decode, encode } from '../../../src/servers/mongo/bson.js';
import { mongoCommand } from '../../../src/servers/mongo/mongo-wire.js';
import { amqpGreeting } from '../../../src/servers/rabbit/amqp-probe.js';
import { rejection } from './scratch.js';

describe('the little BSON of the set-up', () => {
  it('writes what MongoDB’s library reads', () => {
    const command = {
      replSetInitiate: { _id: 'interlock', members: [{ _id: 0, host: '127.0.0.1:1' }], ok: true, text: 'ä' },
      $db: 'admin',
    };
    expect(BSON.deserialize(encode(command))).to.deep.equal(command);
  });

  it('reads what MongoDB’s library writes, and passes over what it has no use for', () => {
    const reply = {
      ok: 1.5,
      code: 23,
      errmsg: 'already initialized',
      isWritablePrimary: true,
      hosts: ['a', 'b'],
      deep: {
        when: new Date(),
        id: new BSON.ObjectId(),
        at: new BSON.Timestamp({ t: 1, i: 2 }),
        bytes: new BSON.Binary(Buffer.from('xyz')),
      },
      long: BSON.Long.fromNumber(5_000_000_000),
      nothing: null,
      last: 'x',
    };
    expect(decode(Buffer.from(BSON.serialize(reply)))).to.deep.equal({
      ok: 1.5,
      code: 23,
      errmsg: 'already initialized',
      isWritablePrimary: true,
      hosts: ['a', 'b'],
      deep: { when: undefined, id: undefined, at: undefined, bytes: undefined },
      long: 5_000_000_000,
      nothing: undefined,
      last: 'x',
    });
  });
});

describe('asking a server whether it is ready', () => {
  let server: Server;
  const listen = async (onConnection: (socket: Socket) => void): Promise<number> => {
    server = createServer(socket => onConnection(socket.on('error', () => undefined))).listen(0, '127.0.0.1');
    await once(server, 'listening');
    return (server.address() as AddressInfo).port;
  };
  afterEach(() => server.close());

  it('is answered by a mongod, even in pieces', async () => {
    const port = await listen(socket =>
      socket.once('data', () => {
        const body = Buffer.from(BSON.serialize({ ok: 1, isWritablePrimary: true }));
        const head = Buffer.alloc(21);
        head.writeInt32LE(21 + body.length);
        socket.write(head.subarray(0, 3), () => socket.write(Buffer.concat([head.subarray(3), body])));
      }),
    );
    expect(await mongoCommand(port, { hello: 1 }, 5_000)).to.deep.equal({ ok: 1, isWritablePrimary: true });
  });

  it('fails in bounded time when nothing is said', async () => {
    const port = await listen(() => undefined);
    expect(((await rejection(mongoCommand(port, { hello: 1 }, 100))) as Error).message).to.equal('no reply within 100 ms');
    expect(((await rejection(amqpGreeting(port, 100))) as Error).message).to.equal('no answer within 100 ms');
  });

  it('fails when the connection is refused or closed', async () => {
    const port = await listen(socket => socket.destroy());
    expect(await rejection(mongoCommand(port, { hello: 1 }, 5_000))).to.be.instanceOf(Error);
    expect(await rejection(amqpGreeting(port, 5_000))).to.be.instanceOf(Error);
    server.close();
    await once(server, 'close');
    expect(await rejection(amqpGreeting(port, 5_000))).to.have.property('code', 'ECONNREFUSED');
  });

  it('is not taken in by another service on the port', async () => {
    const port = await listen(socket => socket.write('HTTP/1.1 400 Bad Request\r\n\r\n'));
    expect(((await rejection(amqpGreeting(port, 10_000))) as Error).message).to.equal('something else than RabbitMQ answers');
  });
});
