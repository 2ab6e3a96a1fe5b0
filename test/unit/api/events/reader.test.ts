import { PassThrough, Writable } from 'node:stream';

import { expect } from 'chai';

import { Reader } from '../../../../src/api/events/reader.js';
import { until } from '../../../support/wait.js';
import { VirtualTime } from '../../../support/virtual-time.js';

const PIECE = Buffer.alloc(4_096, 'x');
const LIMIT = 65_536;

/** A socket that takes nothing until it is let. */
class Stuck extends Writable {
  text = '';
  #go: (() => void) | undefined;
  #open = false;

  constructor() {
    super({ highWaterMark: 16_384 }); // the default is four times that since Node 22
  }

  override _write(chunk: Buffer, _encoding: string, done: () => void): void {
    this.text += chunk.toString();
    if (this.#open) done();
    else this.#go = done;
  }

  open(): void {
    this.#open = true;
    this.#go?.();
  }
}

function setUp(sink: Writable) {
  const time = new VirtualTime();
  let recovered = 0;
  const reader = new Reader({
    clock: time.clock,
    limit: () => LIMIT,
    resync: () => Buffer.from('RESYNC'),
    permitted: () => Promise.resolve(true),
    recovered: () => recovered++,
  });
  reader.pipe(sink);
  return { reader, time, recovered: () => recovered };
}

/** More than is under way fits, and something waits. */
async function stick(reader: Reader): Promise<void> {
  for (let n = 0; n < 12; n++) reader.offer(PIECE);
  await until('it to be stuck', () => reader.readableLength >= reader.readableHighWaterMark && reader.backlog > 0);
}

describe('A reader of events', () => {
  it('is told at once what its socket takes, in order, and ends in order', async () => {
    const sink = new PassThrough();
    const { reader } = setUp(sink);
    let text = '';
    let ended = false;
    sink.on('data', (chunk: Buffer) => (text += chunk.toString())).on('end', () => (ended = true));
    for (const each of ['a', 'b', 'c']) reader.offer(Buffer.from(each));
    reader.finish();
    reader.offer(Buffer.from('late'));
    await until('the end', () => ended);
    expect(text).to.equal('abc');
    expect([reader.backlog, reader.resyncs]).to.deep.equal([0, 0]);
  });

  it('that takes nothing never has more waiting than the limit, and then one resync for all of it', async () => {
    const sink = new Stuck();
    const { reader, recovered } = setUp(sink);
    await stick(reader);
    for (let n = 0; n < 1_000; n++) {
      reader.offer(PIECE);
      expect(reader.backlog).to.be.at.most(LIMIT);
    }
    expect([reader.backlog, reader.resyncs, recovered()]).to.deep.equal([0, 1, 0]);
    sink.open();
    await until('the resync', () => sink.text.includes('RESYNC'));
    expect(recovered()).to.equal(1);
    reader.offer(Buffer.from('new'));
    await until('what came after it', () => sink.text.endsWith('RESYNCnew'));
    expect(sink.text.length).to.be.lessThan(LIMIT);
  });

  it('is told what waited, where that is within the limit', async () => {
    const sink = new Stuck();
    const { reader } = setUp(sink);
    for (let n = 0; n < 15; n++) reader.offer(PIECE);
    reader.offer(Buffer.from('last'));
    sink.open();
    await until('the last', () => sink.text.endsWith('last'));
    expect([sink.text.length, reader.resyncs]).to.deep.equal([15 * 4_096 + 4, 0]);
  });

  it('shows how long it has taken nothing', async () => {
    const sink = new Stuck();
    const { reader, time } = setUp(sink);
    await stick(reader);
    await time.advance(5_000);
    reader.offer(PIECE);
    expect(reader.stalledMs).to.equal(5_000);
    sink.open();
    await until('it to take all', () => reader.backlog === 0);
    expect(reader.stalledMs).to.equal(0);
  });

  it('that is in nobody’s way is ended in order when all are ended, and one that is stuck is cut off', async () => {
    const [good, bad] = [new PassThrough(), new Stuck()];
    const [quick, slow] = [setUp(good).reader, setUp(bad).reader];
    good.resume();
    await stick(slow);
    let ended = false;
    good.on('end', () => (ended = true));
    quick.offer(PIECE);
    await until('it to have taken that', () => quick.readableLength === 0);
    quick.close();
    slow.close();
    await until('both to be over', () => ended && slow.destroyed);
    expect(slow.backlog).to.equal(0);
  });
});
