import { PassThrough } from 'node:stream';
import { setImmediate as turn } from 'node:timers/promises';

import { expect } from 'chai';

import { FrameReader } from '../../../../src/worker/children/frames.js';
import { Outbox } from '../../../../src/worker/children/outbox.js';

describe('What is sent to the other process', () => {
  /** The messages of each write. */
  const opened = (): { outbox: Outbox<unknown>; pipe: PassThrough; writes: unknown[][] } => {
    const pipe = new PassThrough();
    const reader = new FrameReader(1_000_000);
    const writes: unknown[][] = [];
    pipe.on('data', (chunk: Buffer) => void writes.push([...reader.push(chunk)].map(({ message }) => message)));
    return { outbox: new Outbox(pipe), pipe, writes };
  };

  it('leaves in one write if it was said in one turn of the event loop, in its order', async () => {
    const { outbox, writes } = opened();
    for (const n of [1, 2]) outbox.send(n);
    await Promise.resolve().then(() => outbox.send(3));
    expect(writes).to.deep.equal([]);
    await turn();
    outbox.send(4);
    await turn();
    expect(writes).to.deep.equal([[1, 2, 3], [4]]);
  });

  it('leaves at once if it must, with all that came before', async () => {
    const { outbox, writes } = opened();
    outbox.send('before');
    outbox.send('now');
    outbox.flush();
    await turn();
    expect(writes).to.deep.equal([['before', 'now']]);
  });

  it('does not pile up', async () => {
    const { outbox, writes } = opened();
    const large = 'x'.repeat(100_000);
    for (let n = 0; n < 7; n += 1) outbox.send(large);
    await turn();
    expect(writes.map(write => write.length)).to.deep.equal([3, 3, 1]);
  });

  it('goes nowhere when the other one is gone', async () => {
    const { outbox, pipe, writes } = opened();
    pipe.destroy();
    outbox.send('too late');
    await turn();
    expect(writes).to.deep.equal([]);
  });
});
