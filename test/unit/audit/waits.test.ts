import { expect } from 'chai';

import { checkHistory, type Finding, type History } from '../../../src/audit/history.js';
import type { ProcessRecord } from '../../../src/core/process.js';
import type { Task } from '../../../src/core/task.js';

const NOW = new Date(Date.UTC(2026, 0, 1, 12));
const ago = (seconds: number): Date => new Date(NOW.getTime() - seconds * 1_000);

let seq = 0;
function task(id: string, change: Partial<Task> = {}): Task {
  return {
    id,
    seq: ++seq,
    name: 't',
    args: [],
    kwargs: {},
    queue: 'default',
    priority: 4,
    exclusive: [],
    shared: [],
    state: 'waiting',
    waitingFor: 'worker',
    attempt: 0,
    maxAttempts: 1,
    onWorkerLoss: 'cancel',
    attempts: [],
    progress: [],
    createdResources: [],
    correlationId: 'c',
    tags: [],
    createdAt: ago(600),
    readyAt: ago(600),
    ...change,
  };
}

const inLine = (id: string, exclusive: string[], shared: string[] = []): Task =>
  task(id, { exclusive, shared, waitingFor: 'resources' });

const running = (id: string, worker: string, change: Partial<Task> = {}): Task => {
  const { waitingFor, ...rest } = task(id, { state: 'running', attempt: 1, startedAt: ago(500), ...change });
  expect(waitingFor).to.equal('worker');
  return { ...rest, run: { worker, incarnation: `${worker}/1`, token: id, at: ago(500) } };
};

const holding = (id: string, exclusive: string[]): Task =>
  running(id, 'w1', { exclusive, grant: { fence: 10 * seq + 10, epoch: 1, at: ago(500) } });

function live(role: ProcessRecord['role'], name: string, change: Partial<ProcessRecord> = {}): ProcessRecord {
  return {
    name,
    role,
    incarnation: `${name}/1`,
    beat: 1,
    leaseUntil: ago(-20),
    state: 'live',
    startedAt: ago(900),
    beatAt: ago(1),
    queues: role === 'worker' ? ['default'] : [],
    dedicated: false,
    slots: 1,
    versions: { interlock: '1', node: '20' },
    host: 'h',
    bootId: 'b',
    pidNamespace: 'p',
    pid: 1,
    startTicks: 1,
    ...change,
  };
}

const MANAGER = live('resource-manager', 'rm');
const BEAT = live('beat', 'beat');
const WORKER = live('worker', 'w1');

function findings(tasks: Task[], processes: ProcessRecord[], more: Partial<History> = {}): Finding[] {
  return checkHistory({ tasks, processes, now: NOW, drained: false, ...more });
}

const told = (tasks: Task[], processes: ProcessRecord[], more: Partial<History> = {}): string[] =>
  findings(tasks, processes, more).map(({ rule, tasks: [id] }) => `${rule} ${id ?? ''}`);

describe('A wait', () => {
  beforeEach(() => (seq = 0));

  describe('for resources', () => {
    it('is explained by a holder, or by an earlier one in line that it conflicts with', () => {
      expect(told([holding('a', ['r']), inLine('b', ['r']), inLine('c', [], ['r'])], [MANAGER, WORKER])).to.deep.equal([]);
      const all = [holding('a', ['r']), inLine('b', ['r', 'q']), inLine('c', ['q'])];
      expect(told(all, [MANAGER, WORKER])).to.deep.equal([]);
    });

    it('is unexplained where nothing is in the way, also beside shared holders', () => {
      expect(told([inLine('a', ['r'])], [MANAGER])).to.deep.equal(['unexplained a']);
      const shared = running('s', 'w1', { shared: ['r'], grant: { fence: 1, epoch: 1, at: ago(500) } });
      expect(told([shared, inLine('a', [], ['r']), inLine('x', ['r'])], [MANAGER, WORKER])).to.deep.equal(['unexplained a']);
    });

    it('is explained by whoever holds or comes first beneath a pattern, above it, or of its top, and by nobody beside it', () => {
      const rest = [MANAGER, WORKER];
      expect(
        told([holding('a', ['r/x']), inLine('b', ['r/**']), inLine('c', ['r']), inLine('d', ['r/y/z'])], rest),
      ).to.deep.equal([]);
      expect(told([holding('a', ['r/**']), inLine('b', [], ['r/x/**'])], rest)).to.deep.equal([]);
      expect(told([holding('a', ['rx', 'r']), inLine('b', ['r/x/**'])], rest)).to.deep.equal(['unexplained b']);
    });

    it('is explained by units that are held, by an earlier one in line, and where nobody says how many there are', () => {
      const counts = (units: number) => ({ counted: [{ name: 'gpu', units }], waitingFor: 'resources' as const });
      const held = running('h', 'w1', { counted: [{ name: 'gpu', units: 3 }], grant: { fence: 1, epoch: 1, at: ago(500) } });
      const gpus = (n: number) => ({ capacities: new Map([['gpu', n]]) });
      const all = [held, task('b', counts(2)), task('c', counts(1))];
      expect(told(all, [MANAGER, WORKER], gpus(4))).to.deep.equal([]);
      expect(told(all, [MANAGER, WORKER], gpus(5))).to.deep.equal(['unexplained b']);
      expect(told(all, [MANAGER, WORKER])).to.deep.equal([]);
      const limited = task('l', { counted: [{ name: 'concurrency:t', units: 1, capacity: 1 }], waitingFor: 'resources' });
      expect(told([limited], [MANAGER])).to.deep.equal(['unexplained l']);
    });

    it('is explained by the absence of a resource manager, or by one that has only just come', () => {
      expect(told([inLine('a', ['r'])], [])).to.deep.equal([]);
      expect(told([inLine('a', ['r'])], [{ ...MANAGER, leaseUntil: ago(5) }])).to.deep.equal([]);
      expect(told([inLine('a', ['r'])], [{ ...MANAGER, startedAt: ago(10) }])).to.deep.equal([]);
    });

    it('is explained while the last holder has only just let go, and by a damaged record that may hold', () => {
      const { grant, run, ...held } = holding('a', ['r']);
      const attempt = {
        n: 1,
        ...run!,
        grant: { fence: grant!.fence, epoch: 1 },
        startedAt: run!.at,
        finishedAt: ago(5),
        reason: 'completed',
      };
      const ended: Task = { ...held, state: 'completed', finishedAt: ago(5), attempts: [attempt] };
      expect(told([ended, inLine('b', ['r'])], [MANAGER])).to.deep.equal([]);
      const damaged = { ...holding('d', ['r']), attempt: 'one' } as unknown as Task;
      expect(told([damaged, inLine('b', ['r'])], [MANAGER, WORKER])).to.deep.equal(['damaged d']);
    });
  });

  describe('for a worker', () => {
    it('is explained by no worker of its queue, and by workers that are busy or have only just had a slot free', () => {
      expect(told([task('a')], [])).to.deep.equal([]);
      expect(told([task('a')], [{ ...WORKER, queues: ['other'] }])).to.deep.equal([]);
      expect(told([task('a')], [{ ...WORKER, dedicated: true }])).to.deep.equal([]);
      expect(told([task('a'), running('b', 'w1')], [WORKER])).to.deep.equal([]);
      expect(told([task('a')], [{ ...WORKER, startedAt: ago(10) }])).to.deep.equal([]);
    });

    it('is unexplained when a slot has been free for long, and names worker and slot', () => {
      const [finding] = findings([task('a'), running('b', 'w1')], [{ ...WORKER, slots: 2 }]);
      expect(finding).to.include({ rule: 'unexplained' });
      expect(finding!.evidence).to.match(/Task a is ready .* worker w1 has had a free slot since 2026-01-01T11:45:00.000Z/);
    });
  });

  it('for a delay is explained until it ends, and while no beat is live', () => {
    const delayed = (dueAt: Date): Task => task('a', { waitingFor: 'delay', dueAt });
    expect(told([delayed(ago(-60))], [BEAT])).to.deep.equal([]);
    expect(told([delayed(ago(60))], [])).to.deep.equal([]);
    expect(told([delayed(ago(60))], [BEAT])).to.deep.equal(['unexplained a']);
    expect(told([task('a', { expiresAt: ago(60) })], [BEAT])).to.deep.equal(['unexplained a']);
  });

  it('on a worker that is gone is unexplained once a sweep had time to see it', () => {
    expect(told([running('a', 'w1')], [BEAT, WORKER])).to.deep.equal([]);
    expect(told([running('a', 'w1')], [BEAT, { ...WORKER, state: 'missing', leaseUntil: ago(300) }])).to.deep.equal([
      'unexplained a',
    ]);
    expect(told([running('a', 'w1')], [BEAT, { ...WORKER, state: 'missing', leaseUntil: ago(20) }])).to.deep.equal([]);
    expect(told([running('a', 'w1')], [BEAT, { ...WORKER, incarnation: 'w1/2', startedAt: ago(300) }])).to.deep.equal([
      'unexplained a',
    ]);
    expect(told([running('a', 'w1')], [])).to.deep.equal([]);
  });

  it('for the end of a cancelled body lasts as long as it has grace', () => {
    const canceling = (seconds: number): Task => ({
      ...running('a', 'w1'),
      state: 'canceling',
      cancel: { at: ago(seconds), by: 'me', reason: 'user' },
    });
    expect(told([canceling(60)], [WORKER], { cancelGraceMs: 7_000 })).to.deep.equal([]);
    expect(told([canceling(400)], [WORKER], { cancelGraceMs: 7_000 })).to.deep.equal(['cancel-ignored a']);
  });

  it('of any kind is over when everything was drained', () => {
    const all = [task('a'), inLine('b', ['r']), running('c', 'w1')];
    expect(told(all, [], { drained: true })).to.deep.equal(['unfinished a', 'unfinished b', 'unfinished c']);
  });
});
