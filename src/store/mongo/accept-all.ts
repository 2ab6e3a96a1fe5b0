import { StoreError } from '../../core/errors.js';
import type { NewTask } from '../../core/task.js';
import type { TaskStore } from '../tasks.js';
import { newDocuments, rivalsOf, verdictFrom } from './accept.js';
import { LIMIT, within } from './calls.js';
import type { Database } from './database.js';
import { isDuplicateKey, translated } from './errors.js';
import { toTask, type TaskDocument } from './task-documents.js';
import { inTransaction } from './transaction.js';

type Verdict = Awaited<ReturnType<TaskStore['insertAll']>>;

/** All or none; where the answer is a clash or unclear, what stands in the database decides. */
export async function insertAll(db: Database, tasks: readonly NewTask[], firstSeq: number): Promise<Verdict> {
  if (tasks.length === 0) return { kind: 'stored', tasks: [] };
  const documents = await newDocuments(db, tasks, firstSeq);
  const answer = await insertTogether(db, documents);
  if (answer === 'stored') return { kind: 'stored', tasks: documents.map(toTask) };
  const verdict = judge(await rivalsOf(db, documents), documents);
  if (verdict) return verdict;
  if (answer === 'duplicates') return { kind: 'seq-taken' };
  throw answer;
}

function judge(found: readonly TaskDocument[], documents: readonly TaskDocument[]): Verdict | undefined {
  const verdicts = documents.map(document => verdictFrom(found, document));
  const stored = verdicts.flatMap(verdict => (verdict?.kind === 'stored' ? [verdict.task] : []));
  if (stored.length === documents.length) return { kind: 'stored', tasks: stored };
  return (
    verdicts.find(verdict => verdict?.kind === 'duplicate') ??
    verdicts.find(verdict => verdict?.kind === 'occupied') ??
    verdicts.find(verdict => verdict?.kind === 'seq-taken')
  );
}

/** A thousand tasks need more time than one. */
const BATCH_MS = 20_000;

async function insertTogether(db: Database, documents: TaskDocument[]): Promise<'stored' | 'duplicates' | StoreError> {
  try {
    return await within(
      BATCH_MS,
      db.bulk.withSession(session =>
        inTransaction(session, 'insert all', async () => {
          try {
            await db.tasks.insertMany(documents, { ordered: true, session, ...LIMIT });
            return { commit: true, value: 'stored' as const };
          } catch (error) {
            if (isDuplicateKey(error)) return { commit: false, value: 'duplicates' as const };
            throw error;
          }
        }),
      ),
    );
  } catch (error) {
    const known = translated(error, 'insert all', 'unknown');
    if (known instanceof StoreError && known.outcome === 'unknown') return known;
    throw known;
  }
}
