import { expect } from 'chai';
import { MongoClient } from 'mongodb';
import { v4 } from 'uuid';
import type { MongoStore } from '../../../src/store/mongo/store.js';
import type { NewTask } from '../../../src/core/task.js';
import { testServers } from '../../support/servers.js';
import { until } from '../../support/wait.js';
import { mongoUnderTest, openStore } from './mongo-under-test.js';
import { ReplyThief } from './reply-thief.js';
import { acceptOne, newTask, thrown, WORKER } from './support.js';

/** Waiting for a majority timed out: the write was applied here, and may be taken back. */
const NO_MAJORITY = { code: 64, errmsg: 'waiting for replication timed out' };

describe('the MongoDB store when no majority confirms a write', function () {
  this.timeout(60_000);
  const under = mongoUnderTest();
  let admin: MongoClient;
  let thief: ReplyThief;
  let store: MongoStore;

  before(async () => {
    admin = await MongoClient.connect(testServers().mongoUrl);
    thief = await ReplyThief.before(testServers().mongoUrl);
    store = await openStore(under.db().databaseName, thief.url);
  });
  after(async () => {
    await store.close();
    await thief.close();
    await admin.close();
  });
  beforeEach(() => under.clear());
  afterEach(() => admin.db('admin').command({ configureFailPoint: 'failCommand', mode: 'off' }));

  const unconfirmed = (...failCommands: string[]): Promise<unknown> =>
    admin.db('admin').command({
      configureFailPoint: 'failCommand',
      mode: { times: 1 },
      // Other tests are at the same server, and open their stores under the same name.
      data: { failCommands, writeConcernError: NO_MAJORITY, namespace: `${under.db().databaseName}.tasks` },
    });
  const start = (id: string, token: string) => store.tasks.start([{ id, attempt: 0, fence: 0 }], { ...WORKER, token });

  it('takes a start for its own if a majority has it, by its token; else it begins nothing, and finds it with its next heartbeat', async () => {
    const task = await acceptOne(under.other(), newTask());
    const token = v4();
    await unconfirmed('update');
    const started = await start(task.id, token);
    // The command was done and did not wait for the majority: whether that has it when it is read back is a matter of a moment.
    await until('it has landed', async () => (await under.other().tasks.get(task.id))?.run?.token === token);
    if (started.size === 1) return;
    expect(started).to.deep.equal(new Set());
    expect((await store.tasks.namedBy(WORKER.incarnation)).map(({ id }) => id)).to.deep.equal([task.id]);
    expect(await store.tasks.giveBack(task.id, token)).to.equal(true);
  });

  it('begins nothing where it cannot be read back, and somebody else may have it once it was given back', async () => {
    const task = await acceptOne(under.other(), newTask());
    const token = v4();
    await unconfirmed('update');
    thief.lose('run.token', 3); // what is read by; a start sets the whole run
    expect((await thrown(start(task.id, token))).outcome).to.equal('unknown');
    expect(thief.left).to.be.below(3);
    expect(await under.other().tasks.giveBack(task.id, token)).to.equal(true);
    const [next] = await under.other().tasks.start([{ id: task.id, attempt: 0, fence: 0 }], { ...WORKER, token: v4() });
    expect(next).to.equal(task.id);
  });

  it('answers that a task is accepted if a majority has it, and else that it is not sure', async () => {
    const insert = async (task: NewTask) => store.tasks.insert([task], await under.other().tasks.takeNumbers(1));
    const task = newTask();
    await unconfirmed('insert');
    const answer = await insert(task).catch((error: unknown) => error);
    if (Array.isArray(answer)) expect(answer[0]).to.include({ kind: 'stored' });
    else expect(answer).to.include({ outcome: 'unknown' });
    await until('it has landed', () => under.other().tasks.get(task.id));
    await unconfirmed('insert');
    thief.lose('$or', 3); // what clashes is read by
    expect((await thrown(insert(newTask()))).outcome).to.equal('unknown');
    expect(thief.left).to.be.below(3);
  });
});
