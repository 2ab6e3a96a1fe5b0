import { setTimeout as sleep } from 'node:timers/promises';

import { openBareServers, type BareServers } from '../bare-servers.js';
import { repeat, type Case, type Context, type Result } from '../scenario.js';
import { Stage } from '../stage.js';
import { percentile, type Figures } from '../statistics.js';
import type { SubmitBody } from '../submitter.js';

const TASKS = 200;
const SLOTS = 4;
const WARM_UP = 20;
/** By then nothing of the last task is under way any more. */
const REST_MS = 50;
/** Most have begun by then: to look earlier would cost the server some of the time that is measured. */
const LOOK_AFTER_MS = 100;

const PLAIN: SubmitBody = { name: 'bench.begin' };
const RESERVING: SubmitBody = { name: 'bench.begin', exclusive: ['resource-1', 'resource-2'] };

/**
 * An idle system: from the client's request to the first line of the body, by one monotonic clock. In turns with what nothing can do without: one
 * majority write, and one message through a quorum queue, published with confirm and consumed.
 */
export async function run(context: Context): Promise<Result[]> {
  const stage = await Stage.open(context);
  try {
    const worker = stage.startWorker(context.options.pool, SLOTS);
    await stage.fillSlots(SLOTS);
    const bare = await openBareServers(context.servers);
    try {
      const cases = [
        { name: 'plain', body: PLAIN },
        { name: 'two resources', body: RESERVING },
      ];
      return await repeat(
        context,
        cases.map(({ name, body }) => caseOf({ context, stage, bare }, name, body)),
      );
    } finally {
      await bare.close();
      await stage.stop(worker);
    }
  } finally {
    await stage.close();
  }
}

interface Bench {
  context: Context;
  stage: Stage;
  bare: BareServers;
}

function caseOf({ context, stage, bare }: Bench, name: string, body: SubmitBody): Case {
  const tasks = context.options.tasks ?? TASKS;
  const meter = stage.newMeter();
  let counted = 0;
  const measure = async (): Promise<Figures> => {
    for (let index = 0; index < WARM_UP; index += 1) await oneRound(stage, bare, body);
    const rounds: Round[] = [];
    await meter.resume();
    for (let index = 0; index < tasks; index += 1) rounds.push(await oneRound(stage, bare, body));
    await meter.pause();
    counted += tasks;
    return figuresOf(rounds);
  };
  return { name, measure, counted: { meter, tasks: () => counted } };
}

/** Milliseconds. */
interface Round {
  task: number;
  write: number;
  message: number;
}

async function oneRound(stage: Stage, bare: BareServers, body: SubmitBody): Promise<Round> {
  const task = await untilBegun(stage, body);
  await sleep(REST_MS);
  return { task, write: await timed(() => bare.write()), message: await timed(() => bare.message()) };
}

function figuresOf(rounds: readonly Round[]): Figures {
  const of = (name: keyof Round, share: number): number =>
    percentile(
      rounds.map(round => round[name]),
      share,
    );
  return {
    p50Ms: of('task', 0.5),
    p99Ms: of('task', 0.99),
    writeP50Ms: of('write', 0.5),
    messageP50Ms: of('message', 0.5),
    floorRatio: of('task', 0.5) / (of('write', 0.5) + of('message', 0.5)),
  };
}

async function untilBegun(stage: Stage, body: SubmitBody): Promise<number> {
  const above = await stage.records.lastNumber();
  const askedAt = Number(process.hrtime.bigint()) / 1e6;
  await stage.submitter.submit(body);
  await sleep(LOOK_AFTER_MS);
  const [task] = await stage.records.completed(above, 1);
  return Number(task?.result) - askedAt;
}

async function timed(work: () => Promise<void>): Promise<number> {
  const begun = performance.now();
  await work();
  return performance.now() - begun;
}
