import { StoreError } from '../../core/errors.js';
import { rankOf } from '../../core/priority.js';
import type { NewTask, Task } from '../../core/task.js';
import type { InsertVerdict, TaskStore } from '../../store/store.js';
import type { SimulatedDatabase } from './database.js';
import { asJson, changed } from './records.js';

type BatchVerdict = Awaited<ReturnType<TaskStore['insertAll']>>;

/** What MongoDB takes as one document. */
const MAX_BYTES = 16 * 1024 * 1024;

export function takeNumbers(db: SimulatedDatabase, count: number): number {
  const last = (db.counters.get('seq') ?? 0) + count;
  db.counters.put('seq', last);
  db.counters.put('seqAt', db.now().getTime());
  return last - count + 1;
}

/** Each for itself; what clashes is judged when all are in. */
export function insert(db: SimulatedDatabase, tasks: readonly NewTask[], firstSeq: number): InsertVerdict[] {
  const records = newRecords(db, tasks, firstSeq);
  for (const record of records) if (!clashes(db, record)) db.tasks.put(record);
  return records.map(record => verdictOn(db, record) ?? { kind: 'seq-taken' });
}

/** All or none. Two of a batch that clash with each other are a number that is taken: nothing is stored that could be shown. */
export function insertAll(db: SimulatedDatabase, tasks: readonly NewTask[], firstSeq: number): BatchVerdict {
  const records = newRecords(db, tasks, firstSeq);
  if (!records.some(record => clashes(db, record)) && !clashWithin(records)) {
    for (const record of records) db.tasks.put(record);
  }
  const verdicts = records.map(record => verdictOn(db, record));
  const stored = verdicts.flatMap(verdict => (verdict?.kind === 'stored' ? [verdict.task] : []));
  if (stored.length === records.length) return { kind: 'stored', tasks: stored };
  const rival = ['duplicate', 'occupied'].map(kind => verdicts.find(verdict => verdict?.kind === kind)).find(Boolean);
  return rival && rival.kind !== 'stored' ? rival : { kind: 'seq-taken' };
}

export function byIdempotencyKey(db: SimulatedDatabase, principal: string, key: string): Task | undefined {
  const task = db.tasks.sharing({ idempotency: { principal, key, bodyHash: '' } });
  return task && { ...task };
}

function newRecords(db: SimulatedDatabase, tasks: readonly NewTask[], firstSeq: number): Task[] {
  // An insert has no clock of its own: the time came with the numbers.
  const at = new Date(db.counters.get('seqAt') ?? db.now().getTime());
  return tasks.map((task, index) => newRecord(task, firstSeq + index, at));
}

/** Nothing of it is the caller's any more. */
function newRecord(task: NewTask, seq: number, at: Date): Task {
  if (Buffer.byteLength(JSON.stringify(task)) > MAX_BYTES) throw new StoreError(`Task ${task.id} is too large.`, 'refused');
  const ready = task.waitingFor !== 'delay' && task.waitingFor !== 'dependencies';
  const record: Task = {
    ...task,
    seq,
    rank: rankOf(task.priority, at),
    args: asJson(task.args),
    kwargs: asJson(task.kwargs),
    exclusive: [...task.exclusive],
    shared: [...task.shared],
    ...(task.counted && { counted: task.counted.map(each => ({ ...each })) }),
    attempts: [...task.attempts],
    progress: [...task.progress],
    createdResources: [...task.createdResources],
    tags: [...task.tags],
    createdAt: at,
  };
  return changed(record, { readyAt: ready ? at : undefined, result: asJson(task.result) });
}

function clashes(db: SimulatedDatabase, record: Task): boolean {
  const rivals = [db.tasks.get(record.id), db.tasks.at(record.seq), db.tasks.sharing(record), holderOf(db, record)];
  return rivals.some(rival => rival !== undefined);
}

function holderOf(db: SimulatedDatabase, { unique }: Task): Task | undefined {
  return unique && db.tasks.having(unique.key);
}

function clashWithin(records: readonly Task[]): boolean {
  const ids = new Set(records.map(record => record.id));
  const keys = records.flatMap(({ idempotency }) => (idempotency ? [`${idempotency.principal}\n${idempotency.key}`] : []));
  const slots = records.flatMap(({ schedule }) => (schedule ? [`${schedule.id}\n${schedule.slot.getTime()}`] : []));
  const uniques = records.flatMap(({ unique }) => (unique ? [unique.key] : []));
  if (new Set(uniques).size < uniques.length) return true;
  return ids.size < records.length || new Set(keys).size < keys.length || new Set(slots).size < slots.length;
}

/** Its own record (an earlier try landed), else the task that has its key or slot, or its unique key, else whatever has its number. */
function verdictOn(db: SimulatedDatabase, record: Task): InsertVerdict | undefined {
  const own = db.tasks.get(record.id);
  if (own) return { kind: 'stored', task: { ...own } };
  const same = db.tasks.sharing(record);
  if (same) return { kind: 'duplicate', task: { ...same } };
  const holder = holderOf(db, record);
  if (holder) return { kind: 'occupied', task: { ...holder } };
  return db.tasks.at(record.seq) === undefined ? undefined : { kind: 'seq-taken' };
}
