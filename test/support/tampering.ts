import { expect } from 'chai';
import type { Collection, Db, Document } from 'mongodb';

type Stored = Document & { _id: string };

/** One way to spoil a record by hand. */
export interface Corruption {
  what: string;
  rule: string;
  /** Spoils something; resolves with the id that must be named, and how to undo it. */
  plant: () => Promise<{ id: string; undo: () => Promise<unknown> }>;
  evidence: RegExp;
}

/** For a database in which several tasks had exclusive rights on the resource `a`, one after the other, and all have ended. */
export function corruptions(db: () => Db): Corruption[] {
  const records = (): Collection<Stored> => db().collection<Stored>('tasks');
  const processes = (): Collection<Stored> => db().collection<Stored>('processes');

  /** Two tasks that were started with exclusive rights on one resource, the earlier grant first. */
  async function rivals(): Promise<[Stored, Stored]> {
    const started = await records()
      .find({ 'exclusive.0': 'a', 'attempts.0.grant.fence': { $gt: 0 } })
      .sort({ 'attempts.grant.fence': 1 })
      .toArray();
    expect(started.length, 'tasks on the resource a').to.be.greaterThan(1);
    return [started[0]!, started[1]!];
  }

  const ofOne = async (filter: Document): Promise<Stored> => (await records().findOne(filter))!;
  const again = (task: Stored): Promise<unknown> => records().replaceOne({ _id: task._id }, task);
  const set = (task: Stored, change: Document): Promise<unknown> => records().updateOne({ _id: task._id }, change);

  return [
    {
      what: 'two attempts that overlap on a resource',
      rule: 'overlap',
      evidence: /held "a" at the same time \(.*\).*exclusive, fence \d+\) on w\d from .* to /,
      plant: async () => {
        const [first, second] = await rivals();
        const late = new Date((second.attempts as { startedAt: Date }[])[0]!.startedAt.getTime() + 1_000);
        await set(first, { $set: { 'attempts.0.finishedAt': late, finishedAt: late } });
        return { id: second._id, undo: () => again(first) };
      },
    },
    {
      what: 'a second open holder',
      rule: 'overlap',
      evidence: /held "a" at the same time.*and still/,
      plant: async () => {
        const [first, second] = await rivals();
        const grant = (fence: number) => ({ fence, epoch: 1_000, at: new Date(Date.now() - 60_000) });
        for (const [index, task] of [first, second].entries()) {
          await records().updateOne({ _id: task._id }, [
            {
              $set: { state: 'waiting', waitingFor: 'worker', grant: grant(1_000_000 + 10 * index), attempts: [], attempt: 0 },
            },
            { $unset: ['finishedAt', 'startedAt', 'reason', 'error', 'cancel', 'result'] },
          ]);
        }
        return { id: second._id, undo: () => Promise.all([again(first), again(second)]) };
      },
    },
    {
      what: 'a final task that still names a run',
      rule: 'illegal',
      evidence: /is completed and still names a run on w9/,
      plant: async () => {
        const task = await ofOne({ state: 'completed' });
        await set(task, { $set: { run: { worker: 'w9', incarnation: 'i', token: 't', at: new Date() } } });
        return { id: task._id, undo: () => again(task) };
      },
    },
    {
      what: 'an attempt that was taken out',
      rule: 'illegal',
      evidence: /counts 1 starts, but its record shows 0/,
      plant: async () => {
        const task = await ofOne({ state: 'completed', attempt: 1 });
        await set(task, { $set: { attempts: [] } });
        return { id: task._id, undo: () => again(task) };
      },
    },
    {
      what: 'a start that was allowed once and made twice',
      rule: 'doubled',
      evidence: /was started 2 times, at most 1 are allowed/,
      plant: async () => {
        const task = await ofOne({ state: 'completed', maxAttempts: 1 });
        const [attempt] = task.attempts as Document[];
        await set(task, { $set: { attempt: 2 }, $push: { attempts: { ...attempt, n: 2, token: 'fresh' } } as Document });
        return { id: task._id, undo: () => again(task) };
      },
    },
    {
      what: 'a token that two starts carry',
      rule: 'illegal',
      evidence: /carry the same token/,
      plant: async () => {
        const [first, second] = (
          await records().find({ attempt: 1, state: 'completed' }).sort({ startedAt: 1 }).toArray()
        ).filter((task, index, all) => index === 0 || index === all.length - 1) as [Stored, Stored];
        await set(second, { $set: { 'attempts.0.token': (first.attempts as { token: string }[])[0]!.token } });
        return { id: second._id, undo: () => again(second) };
      },
    },
    {
      what: 'a fence that two grants carry',
      rule: 'fence',
      evidence: /share fence numbers/,
      plant: async () => {
        const [first, second] = await rivals();
        const { fence } = (first.attempts as { grant: { fence: number } }[])[0]!.grant;
        await set(second, { $set: { 'attempts.0.grant.fence': fence } });
        return { id: second._id, undo: () => again(second) };
      },
    },
    {
      what: 'a record without its resources',
      rule: 'damaged',
      evidence: /is damaged: exclusive is missing/,
      plant: async () => {
        const task = await ofOne({ state: 'completed' });
        await set(task, { $unset: { exclusive: 1 } });
        return { id: task._id, undo: () => again(task) };
      },
    },
    {
      what: 'a task that nobody grants what is free',
      rule: 'unexplained',
      evidence: /waits for "alone" \(number \d+\) for 10 min .*nobody holds them.*a resource manager is live/,
      plant: async () => {
        const [task] = await rivals();
        const longAgo = new Date(Date.now() - 600_000);
        const manager = (await processes().findOne({ role: 'resource-manager' }))!;
        const live = { state: 'live', leaseUntil: new Date(Date.now() + 600_000), startedAt: longAgo };
        await processes().updateOne({ _id: manager._id }, { $set: live });
        await records().updateOne({ _id: task._id }, [
          { $set: { state: 'waiting', waitingFor: 'resources', exclusive: ['alone'], shared: [], attempts: [], attempt: 0 } },
          { $set: { createdAt: longAgo, readyAt: longAgo } },
          { $unset: ['finishedAt', 'startedAt', 'reason', 'error', 'cancel', 'result'] },
        ]);
        const undo = () => Promise.all([again(task), processes().replaceOne({ _id: manager._id }, manager)]);
        return { id: task._id, undo };
      },
    },
  ];
}
