import { connect } from 'node:net';
import { decode, encode, type Fields } from './bson.js';

const OP_MSG = 2013;
const HEADER = 16; // four int32: length, request id, response to, operation
const BODY = HEADER + 4 + 1; // then the flags, and the kind of the only section

/**
 * Sends one command to the mongod at 127.0.0.1:`port` over a connection of its own and gives the reply, whatever its
 * `ok` says. It takes a few commands to make a replica set of one; a driver for that would tie this folder to the store's.
 * @throws Error when the connection fails or no reply is there within `timeoutMs`
 */
export function mongoCommand(port: number, command: Fields, timeoutMs: number): Promise<Fields> {
  return new Promise((resolve, reject) => {
    const socket = connect({ port, host: '127.0.0.1' });
    const timer = setTimeout(() => fail(new Error(`no reply within ${timeoutMs} ms`)), timeoutMs);
    let received = Buffer.alloc(0);
    const fail = (error: Error) => {
      clearTimeout(timer);
      socket.destroy();
      reject(error);
    };
    socket.on('error', fail);
    socket.on('close', () => fail(new Error('the connection was closed')));
    socket.on('connect', () => socket.write(message({ ...command, $db: 'admin' })));
    socket.on('data', chunk => {
      received = Buffer.concat([received, chunk]);
      if (received.length < HEADER || received.length < received.readInt32LE()) return;
      clearTimeout(timer);
      socket.destroy();
      try {
        resolve(decode(received.subarray(BODY)));
      } catch (error) {
        reject(error instanceof Error ? error : new Error(String(error)));
      }
    });
  });
}

function message(command: Fields): Buffer {
  const body = encode(command);
  const head = Buffer.alloc(BODY);
  [BODY + body.length, 1, 0, OP_MSG, 0].forEach((value, index) => head.writeInt32LE(value, index * 4));
  return Buffer.concat([head, body]);
}
