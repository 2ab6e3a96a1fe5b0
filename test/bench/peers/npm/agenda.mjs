// Agenda: `about`, `enqueue` and `work`, as the environment variable PEER asks.
import { MongoBackend } from '@agendajs/mongo-backend';
import { Agenda } from 'agenda';
import { MongoClient } from 'mongodb';

import { answer, asked, kindsBefore, measuredBody, seconds, versionOf } from './body.mjs';

async function open(options = {}) {
  const client = await MongoClient.connect(asked.mongoUrl, { monitorCommands: asked.command === 'about' });
  const backend = new MongoBackend({ mongo: client.db(), collection: asked.queue });
  const agenda = new Agenda({ backend, ...options });
  agenda.on('error', error => console.error(error));
  await agenda.ready;
  return { client, agenda, jobs: client.db().collection(asked.queue) };
}

async function about() {
  const { client, agenda } = await open();
  const concerns = [];
  client.on('commandStarted', ({ commandName, command }) => concerns.push(`${commandName} w:${command.writeConcern?.w}`));
  await agenda.now('nothing', { kind: 'about' });
  const { version } = await client.db('admin').command({ buildInfo: 1 });
  const { config } = await client.db('admin').command({ replSetGetConfig: 1 });
  answer({
    versions: { agenda: versionOf('agenda'), driver: versionOf('mongodb'), mongodb: version },
    settings: { writes: concerns[0], majorityIsJournaled: String(config.writeConcernMajorityJournalDefault ?? true) },
  });
}

/** Agenda has no call for many jobs: as many single ones at a time as its driver has connections are the fastest. */
async function enqueue() {
  const { agenda } = await open();
  const submit = async kinds => {
    const waiting = kinds.values();
    const one = async () => {
      for (const kind of waiting) await agenda.now('nothing', { kind });
    };
    await Promise.all(Array.from({ length: asked.connections }, one));
  };
  await submit(kindsBefore(asked));
  answer({ enqueueSeconds: await seconds(() => submit(Array(asked.tasks).fill('measured'))) });
}

async function work() {
  const { agenda, jobs } = await open({
    processEvery: asked.processEveryMs,
    maxConcurrency: asked.slots,
    defaultConcurrency: asked.slots,
    lockLimit: asked.lockLimit,
    defaultLockLimit: asked.lockLimit,
  });
  const stored = () => jobs.countDocuments({ 'data.kind': 'measured', lastFinishedAt: { $ne: null } });
  const { body, result } = measuredBody(asked, stored);
  agenda.define('nothing', job => body(job.attrs.data.kind));
  await agenda.start();
  answer(await result());
  await agenda.stop();
}

await { about, enqueue, work }[asked.command]();
process.exit(0);
