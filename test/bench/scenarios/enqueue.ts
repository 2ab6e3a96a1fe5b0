import { openBareCollection, type BareCollection } from '../bare-collection.js';
import { repeat, type Case, type Context, type Result } from '../scenario.js';
import { Stage } from '../stage.js';
import { percentile, type Figures } from '../statistics.js';
import { Submitter, type SubmitBody } from '../submitter.js';

const TASKS = 20_000;
const BATCH = 1_000;
const WARM_UP = 2;
/** Clients that submit one by one, and which part of `--tasks` they submit together. */
const CLIENTS = new Map([
  [1, 0.025],
  [8, 0.1],
  [64, 0.4],
]);
const BODY: SubmitBody = { name: 'bench.nothing' };

/** An API and nobody behind it: batches in turns with bare inserts of the same documents, and one by one by more and more clients. */
export async function run(context: Context): Promise<Result[]> {
  const stage = await Stage.open(context, { roles: ['api'] });
  try {
    const bare = await openBareCollection(stage.deployment.db);
    const singles = [...CLIENTS].map(([clients, share]) => singleCase(context, stage, clients, share));
    return await repeat(context, [batchCase(context, stage, bare), ...singles]);
  } finally {
    await stage.close();
  }
}

function batchCase({ options: { tasks = TASKS } }: Context, stage: Stage, bare: BareCollection): Case {
  const meter = stage.newMeter();
  const size = Math.min(BATCH, tasks);
  const turns = Math.ceil(tasks / size);
  const json = JSON.stringify({ tasks: Array.from({ length: size }, () => BODY) });
  let counted = 0;
  const measure = async (): Promise<Figures> => {
    const times: { batch: number; bare: number }[] = [];
    for (let turn = -WARM_UP; turn < turns; turn += 1) {
      if (turn === 0) await meter.resume();
      const above = await stage.records.lastNumber();
      const batch = await timed(() => stage.submitter.submitBatch(json));
      await stage.records.accepted(above, size);
      const insert = await bare.insertLike(above, size);
      if (turn >= 0) times.push({ batch, bare: insert });
    }
    await meter.pause();
    counted += turns * size;
    return batchFigures(times, size);
  };
  return { name: `batches of ${size}`, measure, counted: { meter, tasks: () => counted } };
}

function batchFigures(times: readonly { batch: number; bare: number }[], size: number): Figures {
  const [batch, bare] = [times.map(each => each.batch), times.map(each => each.bare)];
  const median = (ms: readonly number[]): number => percentile(ms, 0.5);
  return {
    tasksPerSecond: (size / median(batch)) * 1_000,
    bareDocumentsPerSecond: (size / median(bare)) * 1_000,
    insertManyRatio: median(bare) / median(batch),
    p50Ms: median(batch),
    p99Ms: percentile(batch, 0.99),
  };
}

function singleCase({ options: { tasks = TASKS } }: Context, stage: Stage, clients: number, share: number): Case {
  const meter = stage.newMeter();
  const each = Math.max(1, Math.ceil((tasks * share) / clients));
  let counted = 0;
  const measure = async (): Promise<Figures> => {
    const submitters = Array.from({ length: clients }, () => new Submitter(stage.deployment.url));
    await Promise.all(submitters.map(submitter => submitter.submit(BODY)));
    const above = await stage.records.lastNumber();
    await meter.resume();
    const begun = performance.now();
    const times = (await Promise.all(submitters.map(submitter => oneByOne(submitter, each)))).flat();
    const seconds = (performance.now() - begun) / 1_000;
    await meter.pause();
    counted += times.length;
    await stage.records.accepted(above, times.length);
    await Promise.all(submitters.map(submitter => submitter.close()));
    return { tasksPerSecond: times.length / seconds, p50Ms: percentile(times, 0.5), p99Ms: percentile(times, 0.99) };
  };
  return {
    name: `one by one, ${clients} ${clients === 1 ? 'client' : 'clients'}`,
    measure,
    counted: { meter, tasks: () => counted },
  };
}

async function oneByOne(submitter: Submitter, count: number): Promise<number[]> {
  const times: number[] = [];
  for (let index = 0; index < count; index += 1) times.push(await timed(() => submitter.submit(BODY)));
  return times;
}

async function timed(work: () => Promise<unknown>): Promise<number> {
  const begun = performance.now();
  await work();
  return performance.now() - begun;
}
