import { expect } from 'chai';

import { explain, type Explanation, type Facts, type LiveWorker } from '../../../src/core/explain.js';
import { blockerIds, judge, type InLine } from '../../../src/core/line.js';
import type { Grant, Task } from '../../../src/core/task.js';
import { knownTypes } from '../../../src/core/task-type.js';
import { newTask } from '../../contract/store/support.js';

const NOW = new Date('2026-03-01T12:00:00.000Z');
const before = (seconds: number) => new Date(NOW.getTime() - seconds * 1_000);

function task(change: Partial<Task>): Task {
  return {
    ...newTask({ id: 'me' }),
    seq: 100,
    createdAt: before(60),
    ...change,
  };
}

const grant: Grant = { fence: 1, epoch: 1, at: before(30) };
const run = { worker: 'worker@a', incarnation: 'i', token: 't', at: before(20) };
const holding = (id: string, seq: number, change: Partial<InLine> = {}): InLine => ({
  id,
  seq,
  exclusive: ['r'],
  shared: [],
  grant,
  run,
  ...change,
});
const waiting = (id: string, seq: number, change: Partial<InLine> = {}): InLine => ({
  id,
  seq,
  exclusive: ['r'],
  shared: [],
  ...change,
});
const worker = (change: Partial<LiveWorker> = {}): LiveWorker => ({
  name: 'worker@a',
  queues: ['default'],
  dedicated: false,
  freeSlots: 2,
  ...change,
});

function explained(of: Task, facts: Partial<Omit<Facts, 'task' | 'lines'>> & { line?: InLine[] } = {}): Explanation {
  const { line = [], ...rest } = facts;
  return explain({
    task: of,
    lines: { lineOf: name => (name === 'r' ? line : []), capacities: new Map() },
    workers: [worker()],
    resourceManager: true,
    beat: true,
    now: NOW,
    ...rest,
  });
}

describe('Explaining a task', () => {
  describe('that waits for resources', () => {
    const me = task({ exclusive: ['r'], waitingFor: 'resources' });

    it('names the holder, its worker, since when, and the place in line', () => {
      const { resources, text } = explained(me, {
        line: [holding('h', 1), waiting('before', 50), waiting('me', 100), waiting('after', 150)],
      });
      expect(resources).to.deep.equal([
        {
          name: 'r',
          mode: 'exclusive',
          units: null,
          capacity: null,
          held: null,
          holders: [{ task: 'h', worker: 'worker@a', since: before(30).toISOString(), lender: null }],
          ahead: ['before'],
          position: 2,
        },
      ]);
      expect(text).to.equal(
        `It waits for "r" (exclusive), which task h holds on worker@a since ${before(30).toISOString()}; 1 task stands in line before it.`,
      );
    });

    it('says so when it is next', () => {
      const { resources, text } = explained(me, { line: [holding('h', 1)] });
      expect(resources[0]).to.include({ position: 1 });
      expect(text).to.include('it is next in line');
    });

    it('tells a holder that was granted but has not started', () => {
      const granted = waiting('h', 1, { grant });
      const { resources, text } = explained(me, { line: [granted] });
      expect(resources[0]?.holders[0]?.worker).to.equal(null);
      expect(text).to.include('task h holds but has not started since');
    });

    it('counts only tasks that it conflicts with: readers do not wait for readers', () => {
      const reader = task({ shared: ['r'], waitingFor: 'resources' });
      const others = { exclusive: [], shared: ['r'] };
      const line = [holding('h', 1, others), waiting('reader', 50, others), waiting('writer', 60)];
      const { resources, text } = explained(reader, { line });
      expect(resources[0]).to.deep.include({ ahead: ['writer'], position: 2 });
      expect(text).to.include('"r" (shared), which is not held, but 1 task stands in line before it, the next being task writer');
    });

    it('counts a task that holds for what it is even when its number is higher', () => {
      expect(explained(me, { line: [holding('h', 200)] }).text).to.include('task h holds');
    });

    it('names the first resource and the others that are in the way', () => {
      const two = task({ exclusive: ['r', 's'], waitingFor: 'resources' });
      const both = { exclusive: ['r', 's'] };
      const facts = { task: two, workers: [], resourceManager: true, beat: true, now: NOW };
      const { text } = explain({ ...facts, lines: { lineOf: () => [holding('h', 1, both)], capacities: new Map() } });
      expect(text).to.include('It also waits for "s".');
    });

    it('says that nothing is in its way, and that nobody grants when nobody leads', () => {
      expect(explained(me).text).to.equal('Nothing is in its way: "r" will be granted to it next.');
      expect(explained(me, { resourceManager: false }).text).to.include('no resource manager leads');
    });

    it('says why nothing is granted at all', () => {
      expect(explained(me, { problem: 'The index is gone.' }).text).to.include('nothing is granted at all: The index is gone.');
    });

    it('does not take the task itself, granted meanwhile, for its own blocker', () => {
      expect(explained(me, { line: [holding('me', 100)] }).text).to.include('Nothing is in its way');
    });
  });

  describe('that waits for a worker', () => {
    const me = task({});

    it('says that it starts next when a slot is free', () => {
      const { workers, text } = explained(me);
      expect(workers).to.deep.equal({ live: 1, free: 2, suitable: 1 });
      expect(text).to.equal('It is ready and starts next: the one worker of its queue has 2 free slots.');
    });

    it('says that all slots are busy', () => {
      const { workers, text } = explained(me, { workers: [worker({ freeSlots: 0 }), worker({ name: 'b', freeSlots: 0 })] });
      expect(workers).to.deep.equal({ live: 2, free: 0, suitable: 2 });
      expect(text).to.include('all slots of the 2 workers of its queue are busy');
    });

    it('says that nobody knows its type, or who is paused, where that is all that keeps it', () => {
      const me = task({ waitingFor: 'worker', exclusive: [], shared: [], name: 'report', version: 2 });
      const old = worker({ name: 'old', types: knownTypes(['report']) });
      const fit = worker({ name: 'fit', types: knownTypes(['report@2']), paused: true });
      expect(explained(me, { workers: [old] }).text).to.include(
        'no live worker of the queue "default" knows type "report" (version 2)',
      );
      expect(explained(me, { workers: [old] }).workers).to.deep.equal({ live: 1, free: 0, suitable: 0 });
      expect(explained(me, { workers: [old, fit] }).text).to.include('fit is paused. Resume it.');
      expect(explained(me, { workers: [old, { ...fit, paused: false }] }).text).to.include('starts next');
      const bound = { ...me, grant: { fence: 1, epoch: 1, at: new Date(0), worker: 'old' } };
      expect(explained(bound, { workers: [old, fit] }).text).to.include('old, to which it is bound, does not know type');
    });

    it('says that no worker is live', () => expect(explained(me, { workers: [] }).text).to.include('none is live'));

    it('names the queue that nobody takes, and those that are taken', () => {
      const { workers, text } = explained(task({ queue: 'slow' }), { workers: [worker({ queues: ['fast', 'default'] })] });
      expect(workers.suitable).to.equal(0);
      expect(text).to.include('a worker of the queue "slow": the live ones take only "default", "fast"');
    });

    it('counts only the worker that it is bound to', () => {
      const bound = task({ grant: { ...grant, worker: 'b' } });
      expect(
        explained(bound, { workers: [worker(), worker({ name: 'b', dedicated: true, freeSlots: 1 })] }).workers,
      ).to.deep.equal({
        live: 2,
        free: 1,
        suitable: 1,
      });
      expect(explained(bound).text).to.include('bound to the worker b, which is not live');
    });

    it('does not count workers that take only what is bound to them', () => {
      expect(explained(me, { workers: [worker({ dedicated: true })] }).workers.suitable).to.equal(0);
    });
  });

  describe('that waits for time', () => {
    const me = task({ waitingFor: 'delay', dueAt: new Date(NOW.getTime() + 90_000), exclusive: ['r'] });

    it('says until when, and that it stands in no line', () => {
      const { text, resources } = explained(me, { line: [waiting('other', 1)] });
      expect(text).to.equal('It waits for its delay to end at 2026-03-01T12:01:30.000Z, in 90 s.');
      expect(resources[0]).to.deep.include({ ahead: [], position: null });
    });

    it('says who makes it ready when the time is over, or that nobody does', () => {
      const over = { ...me, dueAt: before(5) };
      expect(explained(over).text).to.include('a beat notices within seconds');
      expect(explained(over, { beat: false }).text).to.include('no beat is live');
    });

    it('tells a retry from a delay', () => {
      expect(explained({ ...me, waitingFor: 'retry', attempt: 2 }).text).to.include(
        'the delay after its start 2, which failed, to end at',
      );
    });
  });

  it('names those that it comes after and that have not ended, and says who looks when all have', () => {
    const me = task({
      waitingFor: 'dependencies',
      after: ['a', 'b'].map(node => ({ node, id: `id-${node}` })),
      join: 'all-final',
    });
    const before = new Map([
      ['id-a', 'failed' as const],
      ['id-b', 'running' as const],
    ]);
    const text = 'It comes after 2 tasks (all-final), of which 1 has not ended: "b" (task id-b, running).';
    expect(explained(me, { before }).text).to.equal(text);
    expect(explained(me, { before: new Map([['id-a', 'failed']]) }).text).to.include('all of them have ended: a beat looks');
    expect(explained(me, { before: new Map(), beat: false }).text).to.include('no beat is live');
  });

  it('has a sentence for everything else that a task can wait for', () => {
    expect(explained(task({ waitingFor: 'dependencies' })).text).to.include('It comes after 0 tasks');
    expect(explained(task({ waitingFor: 'limit' })).text).to.include('a limit');
  });

  it('says where it runs, that it is being stopped, and how it ended', () => {
    const running = task({ state: 'running', run, grant, attempt: 2, maxAttempts: 3, startedAt: before(20), exclusive: ['r'] });
    expect(explained(running).text).to.equal('It has been running on worker@a for 20 s (start 2 of at most 3).');
    expect(explained({ ...running, awaiting: ['c', 'd'] }).text).to.equal(
      'It has been running on worker@a for 20 s (start 2 of at most 3). It awaits tasks c, d and has given its slot back meanwhile.',
    );
    const canceling = { ...running, state: 'canceling' as const, cancel: { at: before(3), by: 'x', reason: 'user' as const } };
    expect(explained(canceling).text).to.equal('It was cancelled 3 s ago and worker@a is stopping it.');
    const ended = task({ state: 'canceled', finishedAt: before(7_200), reason: 'worker-lost' });
    expect(explained(ended).text).to.equal('It ended 2 h ago as canceled (worker-lost): it waits for nothing.');
  });

  it('shows what a running task holds', () => {
    const running = task({ state: 'running', run, grant, exclusive: ['r'], startedAt: before(20) });
    const { resources } = explained(running, { line: [holding('me', 100), waiting('next', 120)] });
    expect(resources[0]).to.deep.include({ position: null, ahead: [] });
    expect(resources[0]?.holders.map(each => each.task)).to.deep.equal(['me']);
  });
});

describe('Standing in line', () => {
  const me = { id: 'me', exclusive: ['r'], shared: ['s'] };

  it('puts a task that is not stored yet behind everybody', () => {
    const line = [waiting('b', 2), waiting('a', 1)];
    const found = judge(me, Infinity, { lineOf: name => (name === 'r' ? line : []), capacities: new Map() });
    expect(found.map(({ standing: each }) => [each.name, each.ahead, each.position])).to.deep.equal([
      ['r', ['a', 'b'], 3],
      ['s', [], 1],
    ]);
  });

  it('names every blocker once, whatever the number of resources that they share', () => {
    const lines = {
      r: [holding('h', 1, { exclusive: ['r', 's'] }), waiting('a', 2)],
      s: [holding('h', 1, { exclusive: ['r', 's'] })],
    };
    const lineOf = (name: string) => lines[name as 'r' | 's'];
    expect(blockerIds(judge(me, Infinity, { lineOf, capacities: new Map() }))).to.deep.equal(['h', 'a']);
  });

  it('names at most 1,000 of those ahead, and still counts all', () => {
    const line = Array.from({ length: 1_500 }, (_, n) => waiting(`t${n}`, n));
    const [found] = judge({ ...me, shared: [] }, Infinity, { lineOf: () => line, capacities: new Map() });
    expect(found?.standing.ahead).to.have.length(1_000);
    expect(found?.standing.position).to.equal(1_501);
  });
});
