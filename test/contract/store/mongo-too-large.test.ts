import { expect } from 'chai';
import { BSON } from 'mongodb';

import { UnstorableEndings } from '../../../src/core/errors.js';
import type { Ending, Outcome } from '../../../src/core/outcome.js';
import type { ProgressReport, Task } from '../../../src/core/task.js';
import { silentLog } from '../../../src/process/log.js';
import { system } from '../../../src/process/system.js';
import type { TaskDocument } from '../../../src/store/mongo/task-documents.js';
import { Recorder } from '../../../src/worker/recorder.js';
import { mongoUnderTest } from './mongo-under-test.js';
import { accept, granted, lead, newTask, reserving, startAll, WORKER } from './support.js';

const MIB = 1024 * 1024;
const report = (bytes: number): ProgressReport => ({
  ...{ code: 'c', message: 'x'.repeat(bytes), done: 0, total: null, suffix: null, state: 'running' },
});
const completed = (bytes: number): Outcome => ({ kind: 'completed', result: 'r'.repeat(bytes) });

/** MongoDB takes documents up to 16 MiB. */
describe('An end that MongoDB cannot hold', function () {
  this.timeout(60_000);
  const under = mongoUnderTest();
  beforeEach(() => under.clear());
  const tasks = () => under.store().tasks;
  const read = async ({ id }: Task): Promise<Task> => (await tasks().get(id))!;

  async function refused(endings: Ending[]): Promise<UnstorableEndings> {
    const error = await tasks()
      .finish(endings)
      .then(() => undefined)
      .catch((thrown: unknown) => thrown);
    if (!(error instanceof UnstorableEndings)) return expect.fail(`no UnstorableEndings, but ${String(error)}`);
    return error;
  }

  it('because of all that was reported is named, and the others of its batch end', async () => {
    const all = await accept(under.store(), ...Array.from({ length: 5 }, () => newTask()));
    const token = await startAll(under.store(), all);
    const large = all[2]!;
    await tasks().report(large.id, token, { progress: [report(9 * MIB)], createdResources: ['y'.repeat(2 * MIB)] });
    const endings = all.map(({ id }) => ({ id, token, outcome: completed(id === large.id ? 6 * MIB : 9) }));
    const { refusals } = await refused(endings);
    expect(refusals.map(each => [each.id, each.token, each.error.code])).to.deep.equal([[large.id, token, 'RESULT_TOO_LARGE']]);
    for (const task of all) expect((await read(task)).state).to.equal(task === large ? 'running' : 'completed');
    const error = refusals[0]!.error;
    const again = endings.map(each => (each.id === large.id ? { ...each, outcome: { kind: 'failed' as const, error } } : each));
    expect(await tasks().finish(again)).to.deep.equal(new Set(all.map(({ id }) => id)));
    expect(await read(large)).to.deep.include({ state: 'failed', error });
  });

  it('because of its result alone is named', async () => {
    const [task] = await accept(under.store(), newTask());
    const token = await startAll(under.store(), [task!]);
    const { refusals } = await refused([{ id: task!.id, token, outcome: completed(17 * MIB) }]);
    expect(refusals.map(each => each.error.code)).to.deep.equal(['RESULT_TOO_LARGE']);
  });

  it('because the record is full already ends all the same, without what was reported', async () => {
    const lost = { kind: 'canceled', reason: 'worker-lost' } as const;
    const [full, other] = await accept(under.store(), newTask(), newTask());
    const token = await startAll(under.store(), [full!, other!]);
    const records = under.db().collection<TaskDocument>('tasks');
    const bytes = BSON.calculateObjectSize((await records.findOne({ _id: full!.id }))!);
    await records.updateOne({ _id: full!.id }, { $set: { progress: [report(16 * MIB - bytes - 150)] } });
    const endings = [full!, other!].map(({ id }) => ({ id, token, outcome: lost }));
    expect(await tasks().finish(endings)).to.have.property('size', 2);
    expect(await read(full!)).to.deep.include({ state: 'canceled', reason: 'worker-lost', progress: [] });
    expect((await read(full!)).attempts).to.have.length(1);
  });

  it('is recorded by a worker as a failure that says why, which frees the resources, and delays nobody', async () => {
    const store = under.store();
    const lease = await lead(store);
    const [large, small] = await granted(store, lease, reserving(['a']), reserving(['b']));
    const token = await startAll(store, [large!, small!]);
    await tasks().report(large!.id, token, { progress: [report(10 * MIB)], createdResources: [] });
    const recorder = new Recorder({ tasks: tasks(), runtime: system, log: silentLog, trusted: () => true });
    const ends = await Promise.all([
      recorder.record({ id: large!.id, token, outcome: completed(7 * MIB) }, WORKER.incarnation),
      recorder.record({ id: small!.id, token, outcome: completed(7) }, WORKER.incarnation),
    ]);
    expect(ends.map(outcome => outcome?.kind)).to.deep.equal(['failed', 'completed']);
    const after = await read(large!);
    expect(after).to.include({ state: 'failed' });
    expect(after.error?.code).to.equal('RESULT_TOO_LARGE');
    expect(after.error?.message).to.match(/16/);
    expect(await store.tasks.holders(0, 10)).to.deep.equal([]);
  });
});
