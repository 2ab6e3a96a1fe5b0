import type { Facts, LiveWorker } from '../core/explain.js';
import type { ProcessRecord } from '../core/process.js';
import { knownTypes } from '../core/task-type.js';
import type { Task } from '../core/task.js';
import type { LeaseName, Store } from '../store/store.js';

type RosterStore = Pick<Store, 'processes' | 'leases' | 'schedules' | 'tasks'>;
type LeaseState = Awaited<ReturnType<Store['leases']['read']>>;

const PAGE = 500;
/** Enough for 2,000 slots; busier fleets show their oldest work. */
const MAX_ACTIVE = 2_000;

/** Every process that is known, and what its workers run, at one moment of server time. */
export class Roster {
  readonly processes: readonly ProcessRecord[];
  readonly now: Date;
  readonly leases: Readonly<Record<LeaseName, LeaseState>>;
  readonly #byWorker: ReadonlyMap<string, readonly Task[]>;

  constructor(read: {
    processes: readonly ProcessRecord[];
    leases: Record<LeaseName, LeaseState>;
    now: Date;
    active: readonly Task[];
  }) {
    this.processes = read.processes;
    this.now = read.now;
    this.leases = read.leases;
    this.#byWorker = groupedByWorker(read.active);
  }

  /** A heartbeat came within its lease: what the record says is not enough until a sweep has looked. */
  isLive(process: ProcessRecord): boolean {
    return process.state === 'live' && process.leaseUntil > this.now;
  }

  isLeading(process: ProcessRecord): boolean {
    const lease = this.leases[process.role === 'beat' ? 'beat' : 'resource-manager'];
    return lease?.live === true && lease.incarnation === process.incarnation;
  }

  tasksOf(worker: string): readonly Task[] {
    return this.#byWorker.get(worker) ?? [];
  }

  /** Seconds. */
  ageOf(time: Date): number {
    return Math.max(0, Math.round((this.now.getTime() - time.getTime()) / 100) / 10);
  }

  /** Those of its tasks that wait for others, and have no slot meanwhile. */
  awaitingOf(worker: string): readonly Task[] {
    return this.tasksOf(worker).filter(task => task.awaiting !== undefined);
  }

  /** What it would take now. */
  freeSlots(worker: ProcessRecord): number {
    const takes = this.isLive(worker) && worker.paused !== true;
    const busy = this.tasksOf(worker.name).length - this.awaitingOf(worker.name).length;
    return takes ? Math.max(0, worker.slots - busy) : 0;
  }

  /** What an explanation needs to know. */
  facts(): Pick<Facts, 'workers' | 'resourceManager' | 'beat'> {
    const live = this.processes.filter(process => this.isLive(process));
    const workers = live
      .filter(process => process.role === 'worker')
      .map((worker): LiveWorker => {
        const { name, queues, dedicated, paused = false, types = [] } = worker;
        return { name, queues, dedicated, paused, types: knownTypes(types), freeSlots: this.freeSlots(worker) };
      });
    return {
      workers,
      resourceManager: live.some(process => process.role === 'resource-manager' && this.isLeading(process)),
      beat: live.some(process => process.role === 'beat'),
    };
  }
}

function groupedByWorker(active: readonly Task[]): ReadonlyMap<string, Task[]> {
  const groups = new Map<string, Task[]>();
  for (const task of active) {
    if (!task.run) continue;
    const group = groups.get(task.run.worker);
    if (group) group.push(task);
    else groups.set(task.run.worker, [task]);
  }
  return groups;
}

/** With the task types of workers only where they are asked for: they are large. */
export async function readRoster(store: RosterStore, more: { types?: boolean } = {}): Promise<Roster> {
  const [processes, manager, beat, now, active] = await Promise.all([
    store.processes.list(more),
    store.leases.read('resource-manager'),
    store.leases.read('beat'),
    store.schedules.now(),
    readActive(store),
  ]);
  return new Roster({ processes, leases: { 'resource-manager': manager, beat }, now, active });
}

async function readActive({ tasks }: RosterStore): Promise<Task[]> {
  const active: Task[] = [];
  let page: Task[];
  do {
    page = await tasks.active(PAGE, active.at(-1)?.id);
    active.push(...page);
  } while (page.length === PAGE && active.length < MAX_ACTIVE);
  return active;
}
