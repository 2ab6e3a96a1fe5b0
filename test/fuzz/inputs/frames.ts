import { PassThrough } from 'node:stream';

import { expect } from 'chai';
import fc from 'fast-check';

import { Channel } from '../../../src/worker/children/channel.js';
import { parseFromChild, type FromChild } from '../../../src/worker/children/from-child.js';
import { garbled } from './garble.js';
import type { Stage } from './stage.js';

const bar = { code: 'a', message: 'Files', done: 1, total: 2, suffix: 'MiB', state: 'running' };
const error = { code: 'A', message: 'b', traceback: 'c' };
const GOOD: unknown[] = [
  { kind: 'ready', types: ['a', 'b#2'] },
  { kind: 'unloadable', message: 'no such file' },
  { kind: 'report', run: 1, progress: [bar, { ...bar, total: null, suffix: null }], created: ['/x'] },
  { kind: 'log', run: 1, level: 'info', message: 'm', fields: { a: [1] } },
  { kind: 'spawn', run: 1, id: 2, body: { name: 'n', args: [1] }, version: 3, awaited: true, underParent: true },
  { kind: 'await', run: 1, id: 2, task: '0198c1f7-0000-7000-8000-0123456789ab' },
  { kind: 'leave', run: 1, id: 2 },
  { kind: 'service', run: 1, id: 2, name: 'files', input: { a: 1 } },
  { kind: 'directory', run: 1, id: 2 },
  { kind: 'fault', run: 1, how: 'rejection', error },
  { kind: 'outcome', run: 1, outcome: { kind: 'completed', result: { a: [1, null] } } },
  {
    kind: 'outcome',
    run: 1,
    outcome: { kind: 'failed', error, reason: 'timeout', again: { afterMs: 5 } },
    leftovers: ['Timeout'],
  },
  { kind: 'outcome', run: 1, outcome: { kind: 'skipped', error } },
];

interface Said {
  frames: { body: Buffer; claimed: number }[];
  cuts: number[];
}

/** What a child says to its supervisor over their pipe: some frames, their lengths now and then a lie, in pieces of any size. */
export const frames: Stage<Said> = {
  name: 'frames of children',
  open: () =>
    Promise.resolve({
      input: fc.record({
        frames: fc.array(
          fc.record({
            body: garbled(GOOD),
            claimed: fc.oneof({ weight: 15, arbitrary: fc.constant(0) }, fc.constantFrom(1, -1, 4_000_000_000, 600_000)),
          }),
          { minLength: 1, maxLength: 3 },
        ),
        cuts: fc.array(fc.integer({ min: 1, max: 200 }), { maxLength: 4 }),
      }),
      judge: ({ frames: said, cuts }) => {
        const pipe = new PassThrough();
        const heard: FromChild[] = [];
        const breaches: string[] = [];
        let late = 0;
        new Channel(pipe, {
          limitBytes: 1_000,
          tasksAtOnce: 1,
          onMessage: message => (heard.push(message), (late += breaches.length)),
          onBreach: what => void breaches.push(what),
        });
        for (const piece of pieces(stream(said), cuts)) pipe.emit('data', piece);
        for (const message of heard) expect(parseFromChild(message), 'known').to.equal(message);
        expect([breaches.length <= 1, late], 'nothing is heard after a breach').to.deep.equal([true, 0]);
        return breaches[0]?.replaceAll(/\d+/g, 'N') ?? (heard.length === said.length ? 'heard' : 'not whole yet');
      },
      close: () => Promise.resolve(),
    }),
};

function stream(said: Said['frames']): Buffer {
  const whole = said.map(({ body, claimed }) => {
    const header = Buffer.alloc(4);
    header.writeUInt32LE(Math.max(0, Math.min(0xff_ff_ff_ff, body.length + claimed)));
    return Buffer.concat([header, body]);
  });
  return Buffer.concat(whole);
}

function pieces(all: Buffer, cuts: readonly number[]): Buffer[] {
  let at = 0;
  const found = cuts.map(cut => all.subarray(at, (at += cut)));
  return [...found, all.subarray(at)];
}
