import { expect } from 'chai';
import fc from 'fast-check';

import { changeOf, eventOf, eventView, isOlder, progressOf, type TaskEvent } from '../../../src/core/event.js';
import { decodeEvent, encodeEvent, MAX_EVENT_BYTES, routingKey } from '../../../src/core/event-wire.js';
import type { State } from '../../../src/core/state.js';
import type { ProgressReport, Task } from '../../../src/core/task.js';

const AT = new Date('2026-01-31T12:00:00.000Z');
const TASK = {
  id: '01890000-0000-7000-8000-000000000000',
  name: 'repository.sync',
  state: 'running',
  attempt: 1,
  queue: 'default',
  tags: ['nightly'],
  correlationId: 'request-1',
  run: { worker: 'w1' },
  attempts: [],
  group: 'g',
} as unknown as Task;
const report = (change: Partial<ProgressReport> = {}): ProgressReport => {
  return { code: 'sync.files', message: 'Files', done: 1, total: 10, suffix: null, state: 'running', ...change };
};
const decoded = (bytes: Uint8Array): TaskEvent => {
  const result = decodeEvent(bytes);
  if (!result.ok) throw new Error(result.reason);
  return result.value;
};
const encodeJson = (value: unknown): Uint8Array => Buffer.from(JSON.stringify(value));

describe('Events', () => {
  it('say what a record says, or what was written since', () => {
    expect(eventView(eventOf(TASK, AT))).to.deep.equal({
      ...{ id: TASK.id, name: 'repository.sync', state: 'running', waitingFor: null, at: AT.toISOString(), attempt: 1 },
      ...{ reason: null, queue: 'default', worker: 'w1', group: 'g', parent: null, correlationId: 'request-1' },
      ...{ tags: ['nightly'], progress: null, cut: [] },
    });
    const change = { state: 'canceled', reason: 'user' } as const;
    expect(eventOf(TASK, AT, change)).to.include({ ...change, worker: 'w1' });
  });

  it('do not wait for a worker any more once they run', () => {
    expect(eventOf({ ...TASK, waitingFor: 'worker' }, AT)).not.to.have.property('waitingFor');
  });

  it('tell of an end what its record shows, and leave to the record what a cancel may have changed', () => {
    expect(changeOf({ kind: 'completed', result: 1 })).to.deep.equal({ state: 'completed' });
    expect(changeOf({ kind: 'failed', error: { code: 'X', message: '' }, reason: 'timeout' })).to.deep.equal({
      state: 'failed',
      reason: 'timeout',
    });
    for (const kind of ['requeued', 'retried'] as const)
      expect(changeOf({ kind, error: { code: 'X', message: '' }, delayMs: 1, hold: false, reason: 'worker-lost' })).to.equal(
        undefined,
      );
    expect(changeOf({ kind: 'failed', error: { code: 'POISONED', message: '' }, reason: 'worker-lost' })).to.equal(undefined);
  });

  it('are in order by start and step, whatever order they come in', () => {
    const life: [State, number][] = [
      ['waiting', 0],
      ['running', 1],
      ['waiting', 1],
      ['running', 2],
      ['canceling', 2],
      ['canceled', 2],
    ];
    const steps = life.map(([state, attempt]) => ({ state, attempt }));
    for (const [n, earlier] of steps.entries())
      for (const later of steps.slice(n + 1)) {
        expect(isOlder(earlier, later), `${earlier.state} before ${later.state}`).to.equal(true);
        expect(isOlder(later, earlier), `${later.state} after ${earlier.state}`).to.equal(false);
      }
  });
});

describe('Events on the wire', () => {
  it('come out as they went in, under a key that says whose they are', () => {
    const events = [
      eventOf(TASK, AT),
      eventOf({ ...TASK, state: 'waiting', waitingFor: 'retry' }, AT),
      progressOf(TASK, AT, [report()]),
    ];
    for (const event of events) expect(decoded(encodeEvent(event))).to.deep.equal(event);
    expect(events.map(routingKey)).to.deep.equal([
      `task.${TASK.id}.running`,
      `task.${TASK.id}.waiting`,
      `task.${TASK.id}.progress`,
    ]);
  });

  it('keep as many tags as fit, in order, and say that some are missing', () => {
    const tags = Array.from({ length: 32 }, (_, n) => `${n}-${'é'.repeat(40)}`);
    const event = decoded(encodeEvent(eventOf({ ...TASK, tags }, AT)));
    expect(event.cut).to.deep.equal(['tags']);
    expect(event.tags).to.deep.equal(tags.slice(0, event.tags.length));
    expect(event.tags.length).to.be.within(5, 10);
  });

  it('shorten messages before they leave out bars, of which the last stay', () => {
    const bars = Array.from({ length: 100 }, (_, n) => report({ code: `bar ${n}`, message: '語'.repeat(500) }));
    const { progress = [], cut } = decoded(encodeEvent(progressOf(TASK, AT, bars)));
    expect(cut).to.have.members(['progress', 'tags']);
    expect(progress.at(-1)?.code).to.equal('bar 99');
    expect(progress.at(-1)?.message).to.match(/^語+…$/);
    expect(progress.length).to.be.at.least(2);
  });

  it('always fit, whatever text is in them', () => {
    const text = (maxLength: number) =>
      fc.string({ maxLength, unit: fc.oneof(fc.constant('a'), fc.constant('\u0000'), fc.constant('😀'), fc.constant('語')) });
    const event = fc.record({
      name: text(200),
      tags: fc.array(text(100), { maxLength: 32 }),
      correlationId: text(128),
      group: fc.option(text(64), { nil: undefined }),
      parent: fc.option(text(64), { nil: undefined }),
      progress: fc.array(fc.record({ code: text(500), message: text(500), suffix: text(500) }), { maxLength: 20 }),
    });
    fc.assert(
      fc.property(event, ({ progress, group, parent, ...rest }) => {
        const task = { ...TASK, ...rest, ...(group !== undefined && { group }), ...(parent !== undefined && { parent }) };
        const bytes = encodeEvent(
          progressOf(
            { ...task, run: { ...TASK.run!, worker: 'w'.repeat(200) } },
            AT,
            progress.map(each => report(each)),
          ),
        );
        expect(bytes.length).to.be.at.most(MAX_EVENT_BYTES);
        const back = decoded(bytes);
        if (!back.cut?.includes('name')) expect(back.name).to.equal(rest.name);
        if (!back.cut?.includes('tags')) expect(back.tags).to.deep.equal(rest.tags);
      }),
      { numRuns: 300 },
    );
  });

  it('are refused when they are none of ours, and never throw', () => {
    const good = JSON.parse(Buffer.from(encodeEvent(eventOf(TASK, AT))).toString()) as object;
    expect(decodeEvent(encodeJson(good)).ok).to.equal(true);
    const bar = '{"code":"c","message":"","done":1e400,"total":null,"suffix":null,"state":"running"}';
    const endless = JSON.stringify({ ...good, progress: [] }).replace('"progress":[]', `"progress":[${bar}]`);
    expect(decodeEvent(new TextEncoder().encode(endless)).ok, 'null when it is told on').to.equal(false);
    expect(decodeEvent(new TextEncoder().encode(endless.replace('1e400', '1'))).ok).to.equal(true);
    const bad: unknown[] = [
      null,
      [],
      'text',
      {},
      { ...good, v: 2 },
      { ...good, v: { toString: null } },
      { ...good, id: { $ne: 1 } },
      { ...good, state: 'unheard' },
      { ...good, tags: [1] },
      { ...good, at: 'yesterday' },
      { ...good, progress: [{}] },
      { ...good, attempt: 1.5 },
      { ...good, more: 1 },
      { ...good, constructor: 1 },
      { ...good, name: 'x'.repeat(2_000) },
    ];
    for (const value of bad) expect(decodeEvent(encodeJson(value)).ok, JSON.stringify(value)).to.equal(false);
    fc.assert(fc.property(fc.uint8Array({ maxLength: 200 }), bytes => void decodeEvent(bytes)));
  });
});
