import { PassThrough } from 'node:stream';

import { expect } from 'chai';
import fc from 'fast-check';

import { Channel } from '../../../../src/worker/children/channel.js';
import { FrameError, FrameReader, encodeFrames } from '../../../../src/worker/children/frames.js';
import { parseFromChild, type FromChild } from '../../../../src/worker/children/from-child.js';

const encodeFrame = (message: unknown): Buffer => encodeFrames([JSON.stringify(message)]);
const read = (reader: FrameReader, ...chunks: Buffer[]): unknown[] =>
  chunks.flatMap(chunk => [...reader.push(chunk)].map(({ message }) => message));

describe('Frames', () => {
  it('come out as they went in, however the stream is cut', () => {
    fc.assert(
      fc.property(fc.array(fc.jsonValue(), { maxLength: 5 }), fc.array(fc.integer({ min: 1, max: 40 })), (messages, cuts) => {
        const stream = encodeFrames(messages.map(message => JSON.stringify(message)));
        const chunks: Buffer[] = [];
        let at = 0;
        for (const cut of cuts) chunks.push(stream.subarray(at, (at += cut)));
        chunks.push(stream.subarray(at));
        expect(read(new FrameReader(1_000_000), ...chunks)).to.deep.equal(JSON.parse(JSON.stringify(messages)));
      }),
    );
  });

  it('of more than the limit are refused by their header, before anything of them is held', () => {
    const header = Buffer.alloc(4);
    header.writeUInt32LE(101);
    expect(() => read(new FrameReader(100), header)).to.throw(FrameError, 'longer than the 100 allowed');
  });

  it('that are no JSON are refused', () => {
    const frame = Buffer.from([3, 0, 0, 0, 0xff, 0xfe, 0xfd]);
    expect(() => read(new FrameReader(100), frame)).to.throw(FrameError, 'no JSON');
  });
});

describe('What a child says', () => {
  it('is believed only in the known forms', () => {
    expect(parseFromChild({ kind: 'ready', types: ['a'] })).to.deep.equal({ kind: 'ready', types: ['a'] });
    const wrong = [null, 7, [], {}, { kind: 'ready' }, { kind: 'ready', types: [1] }, { kind: 'ready', types: [], more: 1 }];
    for (const message of wrong) expect(parseFromChild(message)).to.equal(undefined);
    const requeued = { kind: 'outcome', run: 1, outcome: { kind: 'requeued', reason: 'user' } };
    expect(parseFromChild(requeued)).to.equal(undefined);
  });

  const bar = { code: 'a', message: '', done: 1, total: null, suffix: null, state: 'running' as const };
  const error = { code: 'A', message: 'b' };
  const forms: FromChild[] = [
    { kind: 'ready', types: [] },
    { kind: 'unloadable', message: 'no such file' },
    { kind: 'report', run: 1, progress: [bar, { ...bar, total: 2, suffix: 'MiB', state: 'completed' }], created: ['x'] },
    { kind: 'log', run: 1, level: 'info', message: 'm', fields: { a: [1] } },
    { kind: 'spawn', run: 1, id: 2, body: { name: 'n' } },
    { kind: 'service', run: 1, id: 2, name: 'files', input: {} },
    { kind: 'directory', run: 1, id: 2 },
    { kind: 'fault', run: 1, how: 'rejection', error },
    { kind: 'outcome', run: 1, outcome: { kind: 'completed', result: null } },
    { kind: 'outcome', run: 1, outcome: { kind: 'failed', error: { ...error, traceback: 't' } }, leftovers: ['Timeout'] },
    { kind: 'outcome', run: 1, outcome: { kind: 'canceled' } },
  ];
  for (const form of forms) {
    it(`is a known form: ${JSON.stringify(form)}; with a part less, a part more or a part of another type it is none`, () => {
      expect(parseFromChild(form)).to.equal(form);
      expect(parseFromChild({ ...form, more: 1 })).to.equal(undefined);
      for (const part of Object.keys(form).filter(name => name !== 'leftovers')) {
        const less = Object.entries(form).filter(([name]) => name !== part);
        expect(parseFromChild(Object.fromEntries(less)), `without ${part}`).to.equal(undefined);
        expect(parseFromChild({ ...form, [part]: true }), `with another ${part}`).to.equal(undefined);
      }
    });
  }

  it('never throws in its supervisor, whatever it is', () => {
    fc.assert(fc.property(fc.anything(), message => void parseFromChild(message)));
  });

  const channel = (): { pipe: PassThrough; heard: FromChild[]; breaches: string[] } => {
    const pipe = new PassThrough();
    const heard: FromChild[] = [];
    const breaches: string[] = [];
    new Channel(pipe, {
      limitBytes: 1_000,
      tasksAtOnce: 1,
      onMessage: message => void heard.push(message),
      onBreach: what => void breaches.push(what),
    });
    return { pipe, heard, breaches };
  };

  it('is not heard any more after the first breach, which is told once', () => {
    const { pipe, heard, breaches } = channel();
    const good = encodeFrame({ kind: 'ready', types: [] });
    pipe.emit('data', Buffer.concat([good, encodeFrame('nonsense'), good]));
    pipe.emit('data', good);
    expect([heard.length, breaches]).to.deep.equal([1, ['a message is none that a child may send']]);
  });

  it('is a breach when it floods', () => {
    const { pipe, heard, breaches } = channel();
    const line = encodeFrame({ kind: 'log', run: 1, level: 'info', message: '', fields: {} });
    const thousand = Buffer.concat(Array<Buffer>(1_000).fill(line));
    for (let n = 0; n < 1_000 && breaches.length === 0; n += 1) pipe.emit('data', thousand);
    expect(breaches).to.deep.equal(['it floods its supervisor with messages']);
    expect(heard.length).to.be.lessThan(1_000_000);
  });
});
