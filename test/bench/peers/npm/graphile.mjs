// graphile-worker: `about`, `enqueue` and `work`, as the environment variable PEER asks.
import { Logger, makeWorkerUtils, run } from 'graphile-worker';
import pg from 'pg';

import { answer, asked, kindsBefore, measuredBody, seconds, versionOf } from './body.mjs';

const { connectionString } = asked;
/** It says two lines about each job unless told otherwise. */
const logger = new Logger(() => (level, message) => {
  if (level === 'error' || level === 'warning') console.error(message);
});

async function about() {
  const client = new pg.Client({ connectionString });
  await client.connect();
  const show = async name => (await client.query(`SHOW ${name}`)).rows[0][name];
  const settings = {};
  for (const name of ['fsync', 'synchronous_commit', 'full_page_writes']) settings[name] = await show(name);
  const postgresql = await show('server_version');
  await client.end();
  answer({ versions: { 'graphile-worker': versionOf('graphile-worker'), pg: versionOf('pg'), postgresql }, settings });
}

async function enqueue() {
  const utils = await makeWorkerUtils({ connectionString, logger });
  await utils.migrate();
  const jobs = kinds => kinds.map(kind => ({ identifier: 'nothing', payload: { kind } }));
  await utils.addJobs(jobs(kindsBefore(asked)));
  const enqueueSeconds = await seconds(async () => {
    for (let left = asked.tasks; left > 0; left -= asked.batch) {
      await utils.addJobs(jobs(Array(Math.min(left, asked.batch)).fill('measured')));
    }
  });
  answer({ enqueueSeconds });
}

/** A job that is done is deleted. */
async function work() {
  const client = new pg.Client({ connectionString });
  await client.connect();
  const left = async () => Number((await client.query('SELECT count(*) FROM graphile_worker.jobs')).rows[0].count);
  const { body, result } = measuredBody(asked, async () => asked.tasks - (await left()));
  const runner = await run({
    connectionString,
    logger,
    noHandleSignals: true,
    taskList: { nothing: ({ kind }) => body(kind) },
    preset: { worker: { concurrentJobs: asked.slots, ...asked.tuning } },
  });
  answer(await result());
  await runner.stop();
  await client.end();
}

await { about, enqueue, work }[asked.command]();
process.exit(0);
