import type { Schedule } from '../../src/core/schedule.js';
import type { Log } from '../../src/process/log.js';
import { Bodies } from './bodies.js';
import { SimulatedExchange } from './broker/exchange.js';
import { Chance } from './chance.js';
import { Clients } from './clients.js';
import { SimulatedDeployment } from './deployment.js';
import { Failpoints } from './failpoints.js';
import { Judge, type Violation } from './judge.js';
import { Nemesis } from './nemesis.js';
import { CALM } from './climate.js';
import { Network } from './network.js';
import type { Scenario } from './scenario.js';
import { setBackMs } from './scenario-faults.js';
import { keepSchedule } from './schedule.js';
import { Scheduler } from './scheduler.js';
import { ServerClock } from './server-clock.js';
import { SimulatedDatabase } from '../../src/testing/store/database.js';
import { simulatedStore } from '../../src/testing/store/store.js';
import { traceLog } from './trace.js';

export interface RunResult {
  violations: Violation[];
  steps: number;
  simulatedMs: number;
  /** Every place where a process called the store, and how often. */
  passed: { point: string; count: number }[];
}

/** After the last fault everything must come to its end within this: a lapsed TTL, a sweep, a queue of bodies. */
const DRAIN_MS = 300_000;
const MAX_STEPS = 200_000;
/** What a process that woke up late may still do, it does within a heartbeat. */
const SETTLE_MS = 6_000;
/** Its message may be lost and its worker cut off: then its body ends with the heartbeat's word, or with the self-fence. */
const CANCEL_GRACE_MS = 30_000;

/** One run from a scenario to a verdict. The same scenario gives the same run, step by step. */
export async function run(scenario: Scenario, trace?: (line: string) => void): Promise<RunResult> {
  const world = build(scenario, trace);
  const { scheduler, judge, clients, network, bodies } = world;
  const settled = new Lasting(
    SETTLE_MS,
    () => scheduler.nowMs,
    () =>
      scheduler.nowMs >= world.busyUntilMs &&
      clients.open === 0 &&
      judge.openTasks === 0 &&
      network.pendingLate === 0 &&
      bodies.open === 0 &&
      !world.deployment.asleep,
  );
  const crashed = (error: unknown): void =>
    judge.found('crash', error instanceof Error ? (error.stack ?? error.message) : String(error));
  process.on('unhandledRejection', crashed);
  const end = await scheduler.run(() => settled.holds(), scenario.calmFromMs + DRAIN_MS + setBackMs(scenario.faults), MAX_STEPS);
  process.off('unhandledRejection', crashed);
  if (end !== 'over')
    judge.found(
      'unfinished',
      `the run did not come to its end: ${clients.open} requests open, ${judge.openTasks} tasks, ${bodies.open} bodies`,
    );
  judge.conclude(
    {
      tasks: world.database.allTasks(),
      bodies: bodies.spans,
      submissions: clients.submissions,
      cancels: clients.cancels,
      drained: true,
      capacities: new Map([['gpu', Math.max(scenario.lines.gpus.first, scenario.lines.gpus.later)]]),
      cancelGraceMs: CANCEL_GRACE_MS,
      clockStepMs: setBackMs(scenario.faults),
    },
    world.lastSchedule(),
  );
  return { violations: judge.violations, steps: scheduler.steps, simulatedMs: scheduler.nowMs, passed: world.failpoints.passed };
}

/** A condition that has held for a while without a break. */
class Lasting {
  readonly #forMs: number;
  readonly #nowMs: () => number;
  readonly #condition: () => boolean;
  #sinceMs: number | undefined;

  constructor(forMs: number, nowMs: () => number, condition: () => boolean) {
    this.#forMs = forMs;
    this.#nowMs = nowMs;
    this.#condition = condition;
  }

  holds(): boolean {
    if (!this.#condition()) this.#sinceMs = undefined;
    else this.#sinceMs ??= this.#nowMs();
    return this.#sinceMs !== undefined && this.#nowMs() - this.#sinceMs >= this.#forMs;
  }
}

interface World {
  deployment: SimulatedDeployment;
  scheduler: Scheduler;
  judge: Judge;
  clients: Clients;
  network: Network;
  bodies: Bodies;
  database: SimulatedDatabase;
  failpoints: Failpoints;
  busyUntilMs: number;
  lastSchedule: () => Schedule | undefined;
}

function build(scenario: Scenario, trace?: (line: string) => void): World {
  const scheduler = new Scheduler();
  const chance = new Chance(`run ${scenario.seed}`);
  const note = (line: string): void => trace?.(`${(scheduler.nowMs / 1_000).toFixed(3).padStart(8)} ${line}`);
  const faulty = (): boolean => scheduler.nowMs < scenario.calmFromMs;

  const serverClock = new ServerClock(scheduler);
  const serverTime = serverClock.now;
  const floor = (): number => database.leases.get('resource-manager')?.floor ?? 0;
  const judge: Judge = new Judge(scenario.schedule, {
    ...{ retention: scenario.retention, now: serverTime, floor },
    rateTimeMs: serverClock.withoutStepsBack,
  });
  const log = (name: string): Log =>
    traceLog(trace && (line => note(`${name}: ${line}`)), message => judge.complained(name, message));
  const database: SimulatedDatabase = new SimulatedDatabase(serverTime, ({ before, after }) => {
    judge.recordChanged(before, after);
    if (trace && after)
      note(`  record ${after.id}: ${before?.state ?? ''} → ${after.state} ${after.waitingFor ?? ''} ${describe(after)}`);
  });
  const bodies = new Bodies(scheduler, ({ task, attempt, fence }) => {
    note(`  body of ${task} begins, start ${attempt}`);
    judge.bodyBegan(database.task(task), attempt, fence);
  });

  let hintsLostUntilMs = -Infinity;
  const hints = chance.of('hints');
  const exchange = new SimulatedExchange({
    later: (ms, work) => scheduler.after(ms, work),
    fate: () => {
      if (scheduler.nowMs < hintsLostUntilMs) return [];
      if (!faulty()) return [hints.about(3)];
      if (hints.happens(scenario.hints.lost)) return [];
      const copies = hints.happens(scenario.hints.twice) ? 2 : 1;
      return Array.from({ length: copies }, () =>
        hints.happens(scenario.hints.late) ? hints.between(0, 60_000) : hints.about(5),
      );
    },
  });

  const failpoints = new Failpoints(scenario.failpoints);
  const restarts = chance.of('restarts');
  const network: Network = new Network({
    scheduler,
    store: simulatedStore(database),
    climate: () => (faulty() ? scenario.climate : CALM),
    failpoints,
    kill: process => deployment.kill(process, restarts.about(2_000)),
  });
  const deployment: SimulatedDeployment = new SimulatedDeployment({
    scenario,
    scheduler,
    chance: chance.of('deployment'),
    network,
    exchange,
    bodies,
    faulty,
    starting: (worker, task) => judge.startHandedOut(database.processes.get(worker), task),
    log,
    note,
  });
  declareUnits(scenario.lines, { scheduler, database });
  deployment.startAll();
  new Nemesis({
    scheduler,
    chance: chance.of('nemesis'),
    deployment,
    database,
    exchange,
    serverClock,
    loseHints: untilMs => (hintsLostUntilMs = untilMs),
    note,
  }).load(scenario.faults);
  const clients = new Clients({ scheduler, chance: chance.of('clients'), anApi: () => deployment.anApi(), serverTime });
  clients.load(scenario.tasks);
  clients.loadWorkflows(scenario.workflows);
  clients.loadCommands(scenario.commands, scenario.calmFromMs);
  const busyUntilMs = scenario.schedule
    ? scenario.calmFromMs
    : Math.max(0, ...[...scenario.tasks, ...scenario.workflows].map(({ atMs }) => atMs)) + forgettingMs(scenario);
  const kept = { scheduler, database, serverTime, untilMs: busyUntilMs };
  const lastSchedule = scenario.schedule ? keepSchedule(scenario.schedule, kept) : () => undefined;
  return { deployment, scheduler, judge, clients, network, bodies, database, failpoints, busyUntilMs, lastSchedule };
}

function declareUnits({ gpus }: Scenario['lines'], at: { scheduler: Scheduler; database: SimulatedDatabase }): void {
  at.database.capacities.put('gpu', gpus.first);
  if (gpus.later !== gpus.first) at.scheduler.at(gpus.laterMs, () => at.database.capacities.put('gpu', gpus.later));
}

/** So long goes on what is to be forgotten, after the last task was asked for. */
function forgettingMs({ retention, calmFromMs }: Scenario): number {
  const longest = Math.max(...Object.values(retention));
  return longest === 0 ? 0 : calmFromMs + longest + SETTLE_MS;
}

function describe({
  run,
  grant,
  attempt,
  reason,
}: {
  run?: { incarnation: string };
  grant?: { fence: number };
  attempt: number;
  reason?: string;
}): string {
  return [`start ${attempt}`, run?.incarnation, grant && `fence ${grant.fence}`, reason].filter(Boolean).join(', ');
}
