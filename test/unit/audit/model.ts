import { claimsOf, conflicts, type Counted } from '../../../src/core/reservation.js';
import { needsResources, type Attempt, type Grant, type Task } from '../../../src/core/task.js';
import type { History } from '../../../src/audit/history.js';
import { seeded } from '../../support/random.js';

type Random = ReturnType<typeof seeded>;
type Fate = 'completed' | 'failed' | 'lost' | 'given-back' | 'canceled';

/** 2023-11-14; the monotonic clock of bodies and clients runs beside it from 0. */
const EPOCH = 1_700_000_000_000;
const WORKERS = ['w1', 'w2', 'w3'];
const GPUS = 4;

/**
 * A tiny deployment in which one thing happens after the other, and every thing as it should: what it leaves behind is a history in which
 * nothing is wrong. Deliberately as plain as it can be: the list of waiting tasks is walked from the front.
 */
export class Model {
  readonly history: Required<Pick<History, 'tasks' | 'bodies' | 'submissions' | 'cancels'>> & History = {
    tasks: [],
    bodies: [],
    submissions: [],
    cancels: [],
    drained: true,
    cancelGraceMs: 60_000,
    capacities: new Map([['gpu', GPUS]]),
  };
  readonly #random: Random;
  #now = 0;
  #seq = 0;
  #fence = 1;
  #epoch = 1;
  #token = 0;

  constructor(seed: number) {
    this.#random = seeded(seed);
  }

  /** Stops after this many things. */
  cutOff(steps: number): History {
    for (let step = 0; step < steps; step++) this.#step();
    return this.history;
  }

  /** Runs this many things, then lets everything come to its end. */
  run(steps: number): History {
    this.cutOff(steps);
    for (let left = 10_000; left > 0 && this.#open.length > 0; left--) this.#move();
    return this.history;
  }

  get #open(): Task[] {
    return this.history.tasks.filter(task => !task.finishedAt);
  }

  #step(): void {
    if (this.#random.below(3) === 0) this.#submit();
    else if (this.#random.below(12) === 0) this.#cancel();
    else if (this.#random.below(30) === 0) this.#epoch++;
    else this.#move();
  }

  #tick(): Date {
    this.#now += 1 + this.#random.below(20);
    return new Date(EPOCH + this.#now);
  }

  #submit(): void {
    const names = this.#random.sample(['a', 'b', 'c', 'd', 'e/x', 'e/y', 'e/**'], this.#random.below(4));
    const exclusive = names.filter(() => this.#random.below(2) === 0);
    const counted = this.#counted();
    const again = this.#random.below(3) === 0;
    const delayed = this.#random.below(8) === 0;
    const askedAt = this.#now;
    const at = this.#tick();
    const seq = ++this.#seq;
    const task: Task = {
      id: `task-${String(seq).padStart(4, '0')}`,
      seq,
      name: 't',
      args: [],
      kwargs: {},
      queue: 'default',
      priority: 4,
      exclusive,
      shared: names.filter(name => !exclusive.includes(name)),
      ...(counted.length > 0 && { counted }),
      state: 'waiting',
      waitingFor: delayed ? 'delay' : names.length + counted.length > 0 ? 'resources' : 'worker',
      ...(delayed ? { dueAt: at } : { readyAt: at }),
      attempt: 0,
      maxAttempts: again ? 3 : 1,
      onWorkerLoss: again ? 'requeue' : 'cancel',
      attempts: [],
      progress: [],
      createdResources: [],
      correlationId: 'c',
      tags: [],
      createdAt: at,
    };
    this.history.tasks.push(task);
    this.#tick();
    this.history.submissions.push({ id: task.id, askedAt, answeredAt: this.#now, outcome: 'ok', delayed });
  }

  /** Units of what is declared, and a limit. */
  #counted(): Counted[] {
    const all: Counted[] = [
      { name: 'gpu', units: 1 + this.#random.below(3) },
      { name: 'concurrency:t', units: 1, capacity: 2 },
      { name: 'e/z', units: 1, capacity: 1 },
    ];
    return this.#random.below(4) === 0 ? this.#random.sample(all, 1 + this.#random.below(2)) : [];
  }

  #move(): void {
    const movable = this.#open.filter(task => task.state !== 'waiting' || task.waitingFor !== 'resources' || this.#mayHave(task));
    const task = movable[this.#random.below(Math.max(1, movable.length))];
    if (!task) return;
    if (task.state === 'waiting') this.#forward(task);
    else this.#end(task);
  }

  #mayHave(task: Task): boolean {
    const before = this.#open.filter(
      other => other !== task && (other.grant ?? (other.waitingFor === 'resources' && other.seq < task.seq)),
    );
    const opposed = before.some(other => claimsOf(other).some(a => claimsOf(task).some(b => conflicts(a, b))));
    return !opposed && (task.counted ?? []).every(({ name, capacity = GPUS }) => unitsOf([...before, task], name) <= capacity);
  }

  #forward(task: Task): void {
    const at = this.#tick();
    if (task.waitingFor === 'delay') {
      delete task.dueAt;
      Object.assign(task, { seq: ++this.#seq, readyAt: at, waitingFor: needsResources(task) ? 'resources' : 'worker' });
    } else if (task.waitingFor === 'resources') {
      const grant: Grant = { fence: this.#fence, epoch: this.#epoch, at };
      this.#fence += task.maxAttempts;
      Object.assign(task, { grant, waitingFor: 'worker', readyAt: at });
    } else this.#start(task, at);
  }

  #start(task: Task, at: Date): void {
    const worker = WORKERS[this.#random.below(WORKERS.length)]!;
    delete task.waitingFor;
    task.attempt++;
    Object.assign(task, {
      state: 'running',
      startedAt: at,
      run: { worker, incarnation: `${worker}/1`, token: `k${++this.#token}`, at },
    });
    if (this.#random.below(8) === 0) return; // it is stopped before user code runs
    this.#tick();
    this.history.bodies.push({ task: task.id, attempt: task.attempt, begin: this.#now, last: this.#now, ended: false });
  }

  #end(task: Task): void {
    const span = this.history.bodies.find(each => each.task === task.id && each.attempt === task.attempt);
    const fates: Fate[] = task.state === 'canceling' ? ['canceled', 'completed'] : ['completed', 'completed', 'failed', 'lost'];
    const ran = span
      ? fates
      : ([task.state === 'canceling' ? 'canceled' : this.#random.below(2) === 0 ? 'lost' : 'given-back'] as Fate[]);
    const fate = ran[this.#random.below(ran.length)]!;
    this.#tick();
    if (span) Object.assign(span, { last: this.#now, ended: fate === 'completed' });
    const at = this.#tick();
    if (fate === 'given-back') {
      task.attempt--;
      delete task.run;
      delete task.startedAt;
      Object.assign(task, { state: 'waiting', waitingFor: 'worker' });
      return;
    }
    this.#record(task, fate, at);
  }

  #record(task: Task, fate: Exclude<Fate, 'given-back'>, at: Date): void {
    const { worker, incarnation, token, at: startedAt } = task.run!;
    const reason = fate === 'lost' ? 'worker-lost' : fate === 'canceled' ? 'user' : fate;
    const grant = task.grant && { fence: task.grant.fence, epoch: task.grant.epoch };
    const attempt: Attempt = {
      n: task.attempt,
      worker,
      incarnation,
      token,
      startedAt,
      finishedAt: at,
      reason,
      ...(grant && { grant }),
    };
    task.attempts.push(attempt);
    delete task.run;
    if (fate === 'lost' && task.onWorkerLoss === 'requeue' && task.attempt < task.maxAttempts) {
      delete task.startedAt;
      Object.assign(task, { state: 'waiting', waitingFor: 'worker', readyAt: at });
      return;
    }
    delete task.grant;
    const poisoned = fate === 'lost' && task.onWorkerLoss === 'requeue';
    const state = poisoned ? 'failed' : fate === 'lost' ? 'canceled' : fate;
    Object.assign(task, { state, finishedAt: at });
    if (state === 'failed') task.error = { code: poisoned ? 'POISONED' : 'E', message: 'm' };
    if (state === 'canceled') task.reason = fate === 'lost' ? 'worker-lost' : 'user';
  }

  #cancel(): void {
    const open = this.#open;
    const task = open[this.#random.below(Math.max(1, open.length))];
    const askedAt = this.#now;
    const at = this.#tick();
    if (!task || task.cancel) return;
    task.cancel = { at, by: 'me', reason: 'user' };
    if (task.state === 'running') task.state = 'canceling';
    else {
      delete task.waitingFor;
      delete task.grant;
      delete task.dueAt;
      Object.assign(task, { state: 'canceled', reason: 'user', finishedAt: at });
    }
    this.#tick();
    this.history.cancels.push({ id: task.id, askedAt, answeredAt: this.#now, outcome: 'ok', state: task.state });
  }
}

function unitsOf(tasks: readonly Task[], name: string): number {
  const counted = tasks.flatMap(task => task.counted ?? []).filter(each => each.name === name);
  return counted.reduce((sum, { units }) => sum + units, 0);
}
