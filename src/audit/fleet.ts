import type { ProcessRecord, Role } from '../core/process.js';
import { knownTypes, mayRun, type KnownTypes } from '../core/task-type.js';
import type { AuditedTask } from './record.js';

/** What the workers do by the records of tasks: how many starts each incarnation runs, and when its last one ended. */
export class Work {
  readonly #running = new Map<string, number>();
  readonly #lastEnded = new Map<string, number>();

  add({ attempts, run }: AuditedTask): void {
    for (const { incarnation, finishedAt } of attempts) {
      this.#lastEnded.set(incarnation, Math.max(this.#lastEnded.get(incarnation) ?? -Infinity, finishedAt.getTime()));
    }
    if (run) this.#running.set(run.incarnation, (this.#running.get(run.incarnation) ?? 0) + 1);
  }

  running(incarnation: string): number {
    return this.#running.get(incarnation) ?? 0;
  }

  lastEnded(incarnation: string): number {
    return this.#lastEnded.get(incarnation) ?? -Infinity;
  }
}

/** Who is there, by the process records. */
export class Fleet {
  readonly #records: readonly ProcessRecord[];
  readonly #live: readonly ProcessRecord[];
  readonly #types: ReadonlyMap<string, KnownTypes>;
  readonly #work: Work;

  constructor(records: readonly ProcessRecord[], work: Work, nowMs: number) {
    this.#records = records;
    this.#live = records.filter(process => process.state === 'live' && process.leaseUntil.getTime() >= nowMs);
    this.#types = new Map(this.#live.map(({ incarnation, types = [] }) => [incarnation, knownTypes(types)]));
    this.#work = work;
  }

  /** Since when one of this role has been live; Infinity if none is. */
  liveSince(role: Role): number {
    const starts = this.#live.filter(process => process.role === role).map(process => process.startedAt.getTime());
    return Math.min(Infinity, ...starts);
  }

  /** The worker that may start this task and has had a free slot for longest. */
  idlest(task: Suited): { worker: string; since: number } | undefined {
    const free = this.#live.flatMap(worker => {
      if (worker.role !== 'worker' || worker.paused === true || !maySuit(worker, task)) return [];
      if (!mayRun(this.#types.get(worker.incarnation), task)) return [];
      if (this.#work.running(worker.incarnation) >= worker.slots) return [];
      const steered = worker.wish?.at.getTime() ?? -Infinity; // it may have been paused until then
      const since = Math.max(worker.startedAt.getTime(), this.#work.lastEnded(worker.incarnation), steered);
      return [{ worker: worker.name, since }];
    });
    return free.sort((a, b) => a.since - b.since)[0];
  }

  /** Since when this incarnation has been gone, at least; undefined: it is live, or nothing tells. */
  goneSince(run: { worker: string; incarnation: string; at: number }): number | undefined {
    if (this.#live.some(process => process.incarnation === run.incarnation)) return undefined;
    const record = this.#records.find(process => process.name === run.worker);
    if (record?.incarnation === run.incarnation) return record.leaseUntil.getTime();
    return Math.max(run.at, record?.startedAt.getTime() ?? -Infinity);
  }
}

interface Suited {
  name: string;
  version?: number | undefined;
  queue: string;
  boundTo?: string | undefined;
}

/** A task that is bound to a worker that is gone may be bound anew to any worker of its queue. */
function maySuit(worker: ProcessRecord, { boundTo, queue }: Suited): boolean {
  if (boundTo !== undefined && worker.name === boundTo) return true;
  return !worker.dedicated && worker.queues.includes(queue);
}
