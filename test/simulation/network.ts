import { StoreError } from '../../src/core/errors.js';
import type { Store } from '../../src/store/store.js';
import type { Chance } from './chance.js';
import type { Failpoints } from './failpoints.js';
import type { SimulatedProcess } from './process.js';
import type { Scheduler } from './scheduler.js';
import type { Climate } from './climate.js';

const SLOW_RANGE_MS = 100;

/** What the adapter gives a call: one small record, or a batch (src/store/mongo/calls.ts, processes.ts). */
const SMALL_MS = 4_000;
const BATCH_MS = 10_000;
/** A request that its caller has given up may be carried out this much later, most often much sooner. */
const MAX_LATE_MS = 60_000;

const READS = new Set(
  [
    'byIdempotencyKey claimable namedBy activeOfTheDead due readyFor range byNumbers holders waitingForResources byIds endedWithin get list count line',
    'countByState liveIncarnations earliestLapseMs read now ping dependentsOf waiting states outcomes buckets awaited awaiting',
  ].flatMap(names => names.split(' ')),
);
/** Writes that tell by themselves that they came before; the adapter may send them again after an unclear answer. */
const REPEATED = new Set([
  'start',
  'finish',
  'giveBack',
  'voidNumbers',
  'beat',
  'stop',
  'report',
  'await',
  'failWaiting',
  'supersede',
]);
/** The adapter reads these back by their token after an unclear answer, so they may be answered all the same. */
const READ_BACK = new Set(['start', 'finish', 'insert']);

/** The way between one process and the database. */
export interface Link {
  /** Until then nothing gets through in that direction. */
  requestsCutUntilMs: number;
  repliesCutUntilMs: number;
  /** An old primary answers this process's reads until it has written to the new one. */
  stale: { store: Store; untilMs: number } | undefined;
}

export interface NetworkDeps {
  scheduler: Scheduler;
  store: Store;
  /** The climate of now: none when the faults are over. */
  climate: () => Climate;
  failpoints: Failpoints;
  kill: (process: SimulatedProcess) => void;
}

/** Carries calls of processes to the one simulated store, and their answers back. */
export class Network {
  readonly #deps: NetworkDeps;
  /** Requests that are still under way although their callers have given up. */
  pendingLate = 0;

  constructor(deps: NetworkDeps) {
    this.#deps = deps;
  }

  /** The store as this process sees it. */
  storeFor(process: SimulatedProcess, role: string, link: Link, chance: Chance): Store {
    const caller = { process, role, link, chance };
    const { store } = this.#deps;
    const port = <T extends object>(name: Port, methods: T): T => this.#carried(caller, name, methods);
    return {
      tasks: port('tasks', store.tasks),
      processes: port('processes', store.processes),
      leases: port('leases', store.leases),
      grants: port('grants', store.grants),
      rates: port('rates', store.rates),
      schedules: port('schedules', store.schedules),
      joins: port('joins', store.joins),
      retention: port('retention', store.retention),
      groups: store.groups,
      resources: store.resources,
      tokens: store.tokens,
      trail: store.trail,
      waits: port('waits', store.waits),
      capacities: port('capacities', store.capacities),
      documents: store.documents,
      maintenance: store.maintenance,
      problems: () => store.problems(),
      ping: () => store.ping(),
      close: () => Promise.resolve(),
    };
  }

  #carried<T extends object>(caller: Caller, port: Port, methods: T): T {
    const carried: Record<string, unknown> = {};
    for (const name of namesOf(methods)) {
      carried[name] = (...args: unknown[]) => new Call(this, this.#deps, caller, { port, name, args: args.map(asSent) }).send();
    }
    return carried as T;
  }
}

/** The ports of the store that are carried over the network. */
type Port = 'tasks' | 'processes' | 'leases' | 'grants' | 'rates' | 'schedules' | 'joins' | 'retention' | 'waits' | 'capacities';

interface Caller {
  process: SimulatedProcess;
  role: string;
  link: Link;
  chance: Chance;
}

interface Request {
  port: Port;
  name: string;
  args: unknown[];
}

/** One call, from its sending to its answer or its deadline. */
class Call {
  readonly #network: Network;
  readonly #deps: NetworkDeps;
  readonly #caller: Caller;
  readonly #request: Request;
  readonly #point: string;
  #resolve!: (value: unknown) => void;
  #reject!: (error: unknown) => void;
  #answered = false;
  #sentAtMs = 0;

  constructor(network: Network, deps: NetworkDeps, caller: Caller, request: Request) {
    this.#network = network;
    this.#deps = deps;
    this.#caller = caller;
    this.#request = request;
    this.#point = `${caller.role}.${request.port}.${request.name}`;
  }

  send(): Promise<unknown> {
    const answer = new Promise((resolve, reject) => {
      this.#resolve = resolve;
      this.#reject = reject;
    });
    const { process } = this.#caller;
    if (!process.alive) return answer; // code that was killed in the middle of a line says no more
    const action = this.#deps.failpoints.pass(this.#point, 'before');
    if (action === 'kill') this.#deps.kill(process);
    else if (action === 'throw') this.#fail(1, 'refused');
    else {
      if (action === 'pause') process.pause(40_000);
      process.deliver(() => this.#travel());
    }
    return answer;
  }

  #travel(): void {
    const { scheduler } = this.#deps;
    this.#sentAtMs = scheduler.nowMs;
    const { chance, link } = this.#caller;
    const { lostRequest, lands, refused, twice } = this.#deps.climate();
    if (chance.happens(refused)) return this.#fail(this.#latency(), 'refused');
    if (chance.happens(lostRequest) || scheduler.nowMs < link.requestsCutUntilMs) {
      return this.#fail(this.#deadlineMs(), chance.happens(0.5) ? 'unknown' : 'refused');
    }
    if (chance.happens(lands)) return this.#landLate();
    const arriveMs = this.#latency() + this.#dawdling();
    if (arriveMs >= this.#deadlineMs()) return this.#landLate(arriveMs);
    scheduler.after(arriveMs, () => this.#arrive());
    if (REPEATED.has(this.#request.name) && chance.happens(twice)) {
      scheduler.after(arriveMs + chance.about(3_000), () => void this.#carryOut().catch(() => undefined));
    }
  }

  /** The caller gives up first. What a start's adapter reads back meanwhile shows that nothing has happened, so far. */
  #landLate(afterMs = this.#deadlineMs() + this.#lateness()): void {
    const { scheduler } = this.#deps;
    this.#network.pendingLate++;
    scheduler.after(afterMs, () => {
      this.#network.pendingLate--;
      void this.#carryOut().catch(() => undefined);
    });
    if (this.#request.name === 'start' && this.#caller.chance.happens(0.5)) {
      this.#answerIn(this.#deadlineMs(), () => this.#resolve(new Set()));
    } else this.#fail(this.#deadlineMs(), 'unknown');
  }

  #arrive(): void {
    const { scheduler, climate, failpoints } = this.#deps;
    const { chance, link, process } = this.#caller;
    const carriedOut = this.#carryOut();
    const action = failpoints.pass(this.#point, 'applied');
    if (action === 'kill') this.#deps.kill(process);
    if (action === 'pause') process.pause(40_000);
    const leftMs = this.#sentAtMs + this.#deadlineMs() - scheduler.nowMs;
    const backMs = this.#latency();
    const cut = scheduler.nowMs < link.repliesCutUntilMs || backMs >= leftMs;
    const lost = action === 'throw' || cut || chance.happens(climate().lostReply);
    if (lost && !(READ_BACK.has(this.#request.name) && action !== 'throw' && chance.happens(0.5))) {
      this.#fail(leftMs, 'unknown');
      carriedOut.catch(() => undefined);
      return;
    }
    carriedOut.then(
      value => this.#answerIn(lost ? leftMs : backMs, () => this.#resolve(value)),
      (error: unknown) => this.#answerIn(lost ? leftMs : backMs, () => this.#reject(error)),
    );
  }

  #carryOut(): Promise<unknown> {
    const { store, scheduler } = this.#deps;
    const { link } = this.#caller;
    const { port, name, args } = this.#request;
    const reads = READS.has(name);
    if (link.stale && (!reads || scheduler.nowMs > link.stale.untilMs)) link.stale = undefined;
    const methods = (link.stale?.store ?? store)[port] as unknown as Record<string, (...args: unknown[]) => Promise<unknown>>;
    return methods[name]?.(...args) ?? Promise.reject(new Error(`the store has no ${this.#point}`));
  }

  #fail(inMs: number, outcome: StoreError['outcome']): void {
    this.#answerIn(inMs, () => this.#reject(new StoreError(`simulated: ${this.#point} was not answered`, outcome)));
  }

  /** Once, and only if the process lives to hear it. */
  #answerIn(ms: number, answer: () => void): void {
    const { process } = this.#caller;
    this.#deps.scheduler.after(ms, () =>
      process.deliver(() => {
        if (this.#answered) return;
        this.#answered = true;
        const action = this.#deps.failpoints.pass(this.#point, 'after');
        if (action === 'kill') return this.#deps.kill(process);
        if (action === 'throw') return this.#reject(new StoreError(`simulated: ${this.#point} failed`, 'unknown'));
        if (action !== 'pause') return answer();
        process.pause(40_000);
        process.deliver(answer);
      }),
    );
  }

  #lateness(): number {
    const { chance } = this.#caller;
    return chance.happens(0.5) ? Math.min(MAX_LATE_MS, chance.about(4_000)) : chance.between(0, MAX_LATE_MS);
  }

  #latency(): number {
    const { chance } = this.#caller;
    const { slow, slowMs } = this.#deps.climate();
    return chance.happens(slow) ? chance.about(slowMs) : chance.about(4);
  }

  /** Races show only where one of two calls takes much longer than the other. */
  #dawdling(): number {
    const { chance } = this.#caller;
    const { slowInsert, slowInsertMs, slowRange } = this.#deps.climate();
    if (this.#request.name === 'insert' && chance.happens(slowInsert)) return chance.about(slowInsertMs);
    if (this.#request.name === 'range' && chance.happens(slowRange)) return chance.about(SLOW_RANGE_MS);
    return 0;
  }

  #deadlineMs(): number {
    const { process } = this.#caller;
    const { port, name, args } = this.#request;
    const ms = name === 'beat' ? (args[2] as { deadlineMs: number }).deadlineMs : port === 'processes' ? SMALL_MS : BATCH_MS;
    return process.simulatedMs(ms);
  }
}

/** What a caller changes after it has sent it does not change on the way: a lease's fence and floor move on. */
function asSent(value: unknown): unknown {
  if (Array.isArray(value)) return [...(value as unknown[])];
  return value !== null && typeof value === 'object' && !(value instanceof Date) ? { ...value } : value;
}

function namesOf(methods: object): string[] {
  const names = new Set(Object.keys(methods));
  for (let of = Object.getPrototypeOf(methods) as object; of !== Object.prototype; of = Object.getPrototypeOf(of) as object) {
    for (const name of Object.getOwnPropertyNames(of)) if (name !== 'constructor') names.add(name);
  }
  return [...names];
}
