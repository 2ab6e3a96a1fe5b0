import type { Db, Document } from 'mongodb';

export interface Profiled {
  commands: number;
  plans: string[];
  /** Some answer was sorted in memory. */
  sorted: boolean;
  /** Index keys and documents together. */
  examined: number;
}

/** Everything that the work asked of the server: how it was planned, and how much was looked at. */
export async function profiled(db: Db, work: () => Promise<unknown>): Promise<Profiled> {
  await db.command({ profile: 0 });
  await db.collection('system.profile').drop();
  await db.command({ profile: 2 });
  await work();
  await db.command({ profile: 0 });
  const ours: Document = { ns: { $not: /system\.profile/ }, appName: 'interlock-test' };
  const entries = await db.collection('system.profile').find(ours).toArray();
  return {
    commands: entries.length,
    plans: entries.flatMap(({ planSummary }) => (typeof planSummary === 'string' ? [planSummary] : [])),
    sorted: entries.some(({ hasSortStage }) => hasSortStage === true),
    examined: entries.reduce((sum, entry) => sum + Number(entry.keysExamined ?? 0) + Number(entry.docsExamined ?? 0), 0),
  };
}
