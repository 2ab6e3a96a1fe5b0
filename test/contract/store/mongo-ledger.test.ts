import { expect } from 'chai';
import type { Document } from 'mongodb';
import { audit } from '../../../src/audit/audit.js';
import type { MongoStore } from '../../../src/store/mongo/store.js';
import { mongoUnderTest } from './mongo-under-test.js';
import { accept, granted, lead, NASTY, newTask, reserving, startAll } from './support.js';

describe('What an audit reads of MongoDB', function () {
  this.timeout(60_000);
  const under = mongoUnderTest();
  const store = (): MongoStore => under.store();
  beforeEach(() => under.clear());

  it('is every task in order of id, page after page, without voids and without what users wrote', async () => {
    const { tasks, ledger, schedules } = store();
    const stored = await accept(store(), ...Array.from({ length: 5 }, () => newTask({ kwargs: NASTY, args: ['secret'] })));
    await tasks.voidNumbers([await tasks.takeNumbers(1)]);
    const before = await schedules.now();
    const first = await ledger.page(3);
    const second = await ledger.page(3, first.records.at(-1)!.id);
    expect([...first.records, ...second.records].map(({ id }) => id)).to.deep.equal(stored.map(({ id }) => id).sort());
    expect(first.records[0]).to.not.have.any.keys('args', 'kwargs', 'progress', '_id', 'auditedAt');
    expect(first.readAt!.getTime()).to.be.within(before.getTime(), (await schedules.now()).getTime());
    expect(await ledger.page(3, second.records.at(-1)!.id)).to.deep.equal({ records: [], readAt: undefined });
  });

  it('is sound for every state that the store writes', async () => {
    const lease = await lead(store());
    const [waits, runs, cancels, ends, again] = await granted(
      store(),
      lease,
      ...['a', 'b', 'c', 'd', 'e'].map(name => reserving([name], ['s'], { maxAttempts: 3, onWorkerLoss: 'requeue' })),
    );
    const token = await startAll(store(), [runs!, cancels!, ends!, again!]);
    await store().tasks.cancel(cancels!.id, 'me', 'user');
    await store().tasks.cancel(waits!.id, 'me', 'user');
    await store().tasks.finish([
      { id: ends!.id, token, outcome: { kind: 'completed', result: 1 } },
      { id: again!.id, token, outcome: { kind: 'requeued', reason: 'worker-lost' } },
    ]);
    await accept(store(), reserving(['b']), newTask());
    const report = await audit(store());
    expect(report.findings).to.deep.equal([]);
    expect(report).to.deep.include({ ok: true, checked: { tasks: 7, attempts: 4, grants: 4, resources: 5 } });
  });

  it('is a finding, not an error, whatever became of a record', async () => {
    const wrecks: Document[] = [{}, { state: 7 }, { state: 'waiting', exclusive: 'r' }, { attempts: [null], run: { at: 'x' } }];
    await under
      .db()
      .collection<Document & { _id: string }>('tasks')
      .insertMany(wrecks.map((wreck, n) => ({ ...wreck, seq: -n, _id: `w${n}` })));
    const { ok, findings } = await audit(store());
    expect(ok).to.equal(false);
    expect(findings.map(({ rule, tasks }) => `${rule} ${tasks.join()}`)).to.deep.equal(wrecks.map((_, n) => `damaged w${n}`));
    await under.clear();
  });
});
