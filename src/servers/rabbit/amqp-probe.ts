import { connect } from 'node:net';

const PROTOCOL = Buffer.from('AMQP\0\0\x09\x01', 'latin1');
const METHOD_FRAME = 1;
const CONNECTION_START = Buffer.of(0, 10, 0, 10); // class and method

/**
 * Greets the server at 127.0.0.1:`port` as an AMQP 0-9-1 client and gives the version that its answer names ('' where it
 * names none). RabbitMQ opens its listener as the last step of its start, so an answer means that it serves. A tenth of a
 * second after a listener is there is 1.5 s before rabbitmqctl would know.
 * @throws Error when nothing listens, or no answer is there within `timeoutMs`
 */
export function amqpGreeting(port: number, timeoutMs: number): Promise<string> {
  return new Promise((resolve, reject) => {
    const socket = connect({ port, host: '127.0.0.1' });
    const timer = setTimeout(() => settle(new Error(`no answer within ${timeoutMs} ms`)), timeoutMs);
    let received = Buffer.alloc(0);
    const settle = (result: string | Error) => {
      clearTimeout(timer);
      socket.destroy();
      if (typeof result === 'string') resolve(result);
      else reject(result);
    };
    socket.on('error', settle);
    socket.on('close', () => settle(new Error('the connection was closed')));
    socket.on('connect', () => socket.write(PROTOCOL));
    socket.on('data', chunk => {
      received = Buffer.concat([received, chunk]);
      const whole = received.length >= 11 && received.length >= received.readUInt32BE(3) + 8;
      if (received[0] !== METHOD_FRAME || (whole && !received.subarray(7, 11).equals(CONNECTION_START))) {
        settle(new Error('something else than RabbitMQ answers'));
      } else if (whole) settle(versionIn(received));
    });
  });
}

/** The server's properties hold `version` as a short name, the type S, and a text with a length of four bytes. */
function versionIn(frame: Buffer): string {
  const at = frame.indexOf('\x07versionS', 0, 'latin1');
  if (at < 0) return '';
  const length = frame.readUInt32BE(at + 9);
  return frame.toString('utf8', at + 13, at + 13 + length);
}
