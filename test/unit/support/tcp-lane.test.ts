import type { Socket } from 'node:net';

import { expect } from 'chai';

import { TcpLane } from '../../support/tcp-lane.js';
import { until } from '../../support/wait.js';

describe('a direction of a connection of the TCP proxy', () => {
  it('delays what comes quickly by the same time, not one by one: after a heal nothing is behind', async () => {
    const arrived: number[] = [];
    const socket = { setNoDelay: () => undefined, write: (chunk: Buffer) => arrived.push(Number(chunk.toString())) };
    const lane = new TcpLane(socket as unknown as Socket);
    const numbers = Array.from({ length: 500 }, (_, index) => index);
    // One by one these would take 500 s.
    for (const number of numbers) lane.send(Buffer.from(String(number)), { kind: 'delay', ms: 1_000 });
    lane.send(Buffer.from('500'), { kind: 'plain' });
    await until('all of it', () => arrived.length > numbers.length);
    expect(arrived).to.deep.equal([...numbers, 500]);
  });
});
