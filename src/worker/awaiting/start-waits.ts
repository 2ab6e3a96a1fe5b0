import { InterlockError, MissingResource, StoreError } from '../../core/errors.js';
import { isFinal } from '../../core/state.js';
import { cycleError, cycleThrough, type CycleReads } from '../../dispatch/wait-cycles.js';
import type { Log } from '../../process/log.js';
import { jittered, type Runtime } from '../../process/runtime.js';
import type { Awaited, JoinStore, WaitStore } from '../../store/store.js';
import type { Claimed } from '../claimed.js';
import type { Pool } from '../pool.js';
import type { Place } from '../slots.js';

export interface AwaitsDeps {
  waits: Pick<WaitStore, 'await' | 'awaited'>;
  joins: Pick<JoinStore, 'states'>;
  tasks: CycleReads['tasks'];
  capacities: CycleReads['capacities'];
  pool: Pick<Pool, 'setAwaiting'>;
  runtime: Runtime;
  log: Log;
  /** So many starts may wait at a time. */
  maxAwaiting: number;
  /** Whether this incarnation may still write. */
  trusted: (incarnation: string) => boolean;
}

export interface StartWaitsDeps extends AwaitsDeps {
  claimed: Claimed;
  place: Place;
  /** Whether it waits for anything. */
  waiting: (open: boolean) => unknown;
  /** Whether one more may be without its slot; and that it is not any more. */
  suspend: () => boolean;
  resume: () => unknown;
}

interface Waiter {
  resolve: (ended: Awaited) => void;
  reject: (error: Error) => void;
}

const RETRY_MS = 500;
/** Results of one answer: each may be as large as a result may be. */
const AT_ONCE = 16;

/**
 * What one start waits for. As long as anything of it is open, its record says so and its slot is another's: one suspension, however many tasks are
 * waited for. The end of each is told as it comes; the last one with a slot. What is to be done next is decided by one loop, so that
 * nothing of it overtakes the rest.
 */
export class StartWaits {
  readonly #deps: StartWaitsDeps;
  readonly #waiters = new Map<string, Set<Waiter>>();
  /** To be read. */
  readonly #look = new Set<string>();
  /** Seen by the search for cycles. */
  readonly #admitted = new Set<string>();
  readonly #over = new Map<string, Awaited>();
  /** As the record has them. */
  #noted: readonly string[] = [];
  #n = 0;
  /** The highest that a child has had under its reservation, as it is known, and as the record has it. */
  #fence = 0;
  #notedFence = 0;
  /** Among those of this worker that wait. */
  #counted = false;
  #away = false;
  #working = false;
  #closed = false;

  constructor(deps: StartWaitsDeps) {
    this.#deps = deps;
  }

  /** Ids that it waits for. */
  get open(): string[] {
    return [...this.#waiters.keys()];
  }

  /** How this task has ended, once it has. Rejects with InterlockError. After `left` nobody listens. */
  outcomeOf(id: string, left: AbortSignal): Promise<Awaited> {
    return new Promise((resolve, reject) => {
      const waiter = { resolve, reject };
      this.#waiters.set(id, (this.#waiters.get(id) ?? new Set()).add(waiter)); // bounded by what a child may ask for at a time
      this.#deps.waiting(true);
      left.addEventListener('abort', () => this.#leave(id, waiter));
      this.#look.add(id);
      this.#work();
    });
  }

  /** Those of them that it waits for may have ended. */
  lookAt(ids: readonly string[]): void {
    for (const id of ids) if (this.#waiters.has(id)) this.#look.add(id);
    this.#work();
  }

  /** Its body has ended: the write of that end takes away what its record says. */
  close(): void {
    this.#closed = true;
    this.#waiters.clear();
    this.#deps.waiting(false);
    this.#uncount();
  }

  #leave(id: string, waiter: Waiter): void {
    const waiters = this.#waiters.get(id);
    if (this.#closed || !waiters?.delete(waiter)) return;
    if (waiters.size === 0) this.#drop(id);
    this.#work();
  }

  #drop(id: string): void {
    for (const known of [this.#waiters, this.#look, this.#admitted, this.#over]) known.delete(id);
    if (this.#waiters.size > 0) return;
    this.#deps.waiting(false);
    if (this.#away) this.#deps.place.comeBackNow(); // its body goes on already: it waits no more, or was refused
  }

  get #open(): string[] {
    return this.open.filter(id => !this.#over.has(id));
  }

  get #hasWork(): boolean {
    const open = this.#open;
    const idle = open.length === 0 && (this.#counted || this.#noted.length > 0);
    return idle || this.#look.size > 0 || this.#over.size > 0 || open.some(id => !this.#admitted.has(id));
  }

  #work(): void {
    if (!this.#working && !this.#closed && this.#hasWork) void this.#run();
  }

  async #run(): Promise<void> {
    this.#working = true;
    try {
      while (!this.#closed && this.#hasWork) await this.#step();
    } catch (error) {
      if (!(error instanceof Stopped)) this.#giveUp(error);
    }
    this.#working = false;
  }

  async #step(): Promise<void> {
    await this.#read();
    const open = this.#open;
    if (open.some(id => !this.#admitted.has(id))) return this.#admit(open);
    if (open.length === 0) await this.#goOn();
    else if (this.#fence > this.#notedFence) await this.#note(open);
    for (const [id, ended] of this.#over) this.#settle(id, waiter => waiter.resolve(ended));
  }

  async #read(): Promise<void> {
    for (const ids = [...this.#look]; ids.length > 0;) {
      const asked = ids.splice(0, AT_ONCE);
      for (const id of asked) this.#look.delete(id);
      const found = new Map((await this.#certain(() => this.#deps.waits.awaited(asked))).map(task => [task.id, task]));
      for (const id of asked.filter(each => this.#waiters.has(each))) {
        const task = found.get(id);
        if (!task) this.#refuse(id, new MissingResource(`Task ${id}`));
        else if (isFinal(task.state)) this.#end(task);
      }
    }
  }

  #end(task: Awaited): void {
    this.#over.set(task.id, task);
    this.#fence = Math.max(this.#fence, task.fence ?? 0);
  }

  /** First the record, then the look for cycles: of two that close one together, whoever looks last sees both. */
  async #admit(open: readonly string[]): Promise<void> {
    const { claimed, place, pool } = this.#deps;
    if (!this.#count()) {
      this.#refuseNew(new InterlockError('OVERLOADED', tooMany(this.#deps.maxAwaiting)));
      return;
    }
    if (!(await this.#note(open))) {
      this.#refuseNew(new InterlockError('CONFLICT', 'This start of the task has ended.'));
      return;
    }
    const cycle = await this.#certain(() => cycleThrough(this.#deps, claimed.task.id));
    const first = cycle?.steps[0]?.to;
    if (cycle && first !== undefined) {
      this.#refuse(first, cycleError(cycle));
      return;
    }
    for (const id of open) if (this.#waiters.has(id)) this.#admitted.add(id);
    if (this.#away || this.#open.length === 0) return;
    this.#away = true;
    place.leave();
    pool.setAwaiting(claimed.task.id, true);
  }

  /** Nothing is open any more. Whoever is to hear of an end needs a slot first. */
  async #goOn(): Promise<void> {
    const { place, pool, claimed } = this.#deps;
    const back = this.#away && this.#over.size > 0 ? place.comeBack() : undefined;
    await Promise.all([back, this.#note([])]);
    if (this.#closed) return;
    if (this.#away) pool.setAwaiting(claimed.task.id, false);
    this.#away = false;
    this.#uncount();
  }

  /**
   * False: this start is not its task's any more. The fence stands in the record before the body can use it: whoever awaits this task in turn must not fall
   * behind it.
   */
  async #note(open: readonly string[]): Promise<boolean> {
    const same = open.length === this.#noted.length && open.every((id, at) => id === this.#noted[at]);
    if (same && this.#fence === this.#notedFence) return true;
    const { waits, claimed } = this.#deps;
    const fence = this.#fence > 0 ? { fence: this.#fence } : {};
    const start = { id: claimed.task.id, token: claimed.token, n: (this.#n += 1), ...fence };
    this.#noted = open;
    this.#notedFence = this.#fence;
    return this.#certain(() => waits.await(start, open));
  }

  #count(): boolean {
    this.#counted ||= this.#deps.suspend();
    return this.#counted;
  }

  #uncount(): void {
    if (this.#counted) this.#deps.resume();
    this.#counted = false;
  }

  #refuseNew(error: InterlockError): void {
    for (const id of this.#open) if (!this.#admitted.has(id)) this.#refuse(id, error);
  }

  #refuse(id: string, error: InterlockError): void {
    this.#settle(id, waiter => waiter.reject(error));
  }

  #settle(id: string, tell: (waiter: Waiter) => void): void {
    const waiters = [...(this.#waiters.get(id) ?? [])];
    this.#drop(id);
    for (const waiter of waiters) tell(waiter);
  }

  #giveUp(error: unknown): void {
    this.#deps.log.error('What a task waits for cannot be followed.', { err: error, taskId: this.#deps.claimed.task.id });
    for (const id of this.open) this.#refuse(id, new InterlockError('INTERNAL_ERROR', 'The worker cannot wait for this task.'));
    this.#deps.place.comeBackNow();
    this.#uncount();
  }

  /** Asked until there is an answer: an outage ends no wait. Throws Stopped when nobody is there any more who could want it. */
  async #certain<T>(ask: () => Promise<T>): Promise<T> {
    const { runtime, claimed, trusted, log } = this.#deps;
    for (;;) {
      try {
        return await ask();
      } catch (error) {
        if (!(error instanceof StoreError)) throw error;
        log.debug('The database gave no answer for a task that waits; asking again.', { err: error });
      }
      if (this.#closed || !trusted(claimed.incarnation)) throw new Stopped();
      await runtime.timers.sleep(jittered(RETRY_MS, runtime.random));
    }
  }
}

class Stopped extends Error {}

function tooMany(maxAwaiting: number): string {
  return `${maxAwaiting} tasks of this worker wait for others already, as many as may (\`worker.maxAwaiting\`).`;
}
