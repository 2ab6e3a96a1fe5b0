import { setMaxListeners } from 'node:events';
import { readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';

import { checkHistory, type Finding } from '../../src/audit/history.js';
import { silentLog } from '../../src/process/log.js';
import { openMongoStore, type MongoStore } from '../../src/store/mongo/store.js';
import { Clients } from './clients.js';
import { drain, healAll, healthy, type Drained } from './drain.js';
import { Followers, untold } from './followers.js';
import type { Leaks } from './leaks.js';
import type { Plan } from './plan.js';
import { readRecords, type Records } from './records.js';
import { Samples } from './samples.js';
import { readTraces, type Traces } from './spans.js';
import type { Stage } from './stage.js';
import { Storm } from './storm.js';

/** Everything that was seen, and the processes and servers are still to be ended. */
export interface Performance {
  storm: Storm;
  clients: Clients;
  drained: Drained;
  records: Records;
  traces: Traces;
  samples: Samples;
  /** Waits for which there was no reason while the rest was worked off. */
  unexplained: Finding[];
  followers: Followers;
  leaks: Leaks;
}

const READY_MS = 120_000;
/** Requests whose answer was unclear are asked again for so long after the healing. */
const LAST_ANSWERS_MS = 30_000;
/** An end whose event was lost is told by the second comparison with the database after it, 10 s later. */
const LAST_EVENTS_MS = 30_000;

/** Load and faults, then heal, drain, and read what there is to read. Throws only where the run itself fails. */
export async function perform(plan: Plan, stage: Stage): Promise<Performance> {
  await stage.open();
  if (!(await healthy(stage, READY_MS))) throw new Error(`Not healthy ${READY_MS / 1_000} s after the start`);
  const clients = new Clients(stage.apis, stage.journal, stage.leaks);
  await clients.declareUnits();
  await clients.createSchedules();
  const followers = new Followers(stage.apis, stage.journal, stage.leaks);
  followers.start();
  const samples = new Samples(stage);
  samples.start();
  const storm = await storming(plan, stage, clients);
  const { drained, unexplained, records } = await settle(stage, samples, followers);
  stage.leaks.readLogs(stage.folder);
  const evidence = readFileSync(stage.evidence, 'utf8');
  const traces = readTraces(evidence, stage.sink.lines, stage.journal.freezes, records.tasks);
  const { leaks } = stage;
  return { storm, clients, drained, records, traces, samples, unexplained, followers, leaks };
}

async function storming({ faults, load, minutes }: Plan, stage: Stage, clients: Clients): Promise<Storm> {
  const storm = new Storm(stage);
  const calm = new AbortController();
  const enough = new AbortController();
  setMaxListeners(Infinity, calm.signal, enough.signal); // every fault and every request that is under way
  const beganAt = performance.now();
  stage.journal.say(`load and faults for ${minutes} minutes`);
  const stormed = storm.play(faults, beganAt, calm.signal);
  const played = clients.play(load, beganAt, enough.signal);
  await sleep(Math.max(0, beganAt + minutes * 60_000 - performance.now()));
  calm.abort();
  await stormed;
  await healAll(stage);
  stage.journal.say(`healed after ${storm.count} faults`);
  const late = setTimeout(() => enough.abort(), LAST_ANSWERS_MS);
  await played;
  clearTimeout(late);
  return storm;
}

/** Records are read when nobody writes them any more: what a body did last stands in them then. */
async function settle(
  stage: Stage,
  samples: Samples,
  followers: Followers,
): Promise<Pick<Performance, 'drained' | 'unexplained' | 'records'>> {
  const store = await openMongoStore({ url: stage.mongo.url, appName: 'chaos', log: silentLog });
  try {
    const unexplained: Finding[] = [];
    const drained = await drain(stage, async () => {
      unexplained.push(...(await unexplainedNow(store)));
    });
    stage.journal.say(
      drained.quietMs === undefined ? `not quiet: ${drained.open} tasks are open` : `quiet after ${drained.quietMs} ms`,
    );
    await samples.stop();
    await heardAll(store, followers);
    await followers.stop();
    await stage.leaks.askAll(stage.apis);
    await stage.retire();
    return { drained, unexplained, records: await readRecords(store) };
  } finally {
    await store.close();
  }
}

/** Until every follower has been told of every end that it should have been told of, as far as that comes. */
async function heardAll(store: MongoStore, { told }: Followers): Promise<void> {
  const { tasks } = await readRecords(store);
  const end = performance.now() + LAST_EVENTS_MS;
  while (performance.now() < end && told.some(each => untold(tasks, each).length > 0)) await sleep(500);
}

async function unexplainedNow(store: MongoStore): Promise<Finding[]> {
  const found = checkHistory({ ...(await readRecords(store)), drained: false });
  return found.filter(finding => finding.rule === 'unexplained');
}
