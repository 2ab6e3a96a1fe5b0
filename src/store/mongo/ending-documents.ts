import type { Ending, Outcome } from '../../core/outcome.js';
import type { EndReason, Exit, TaskError } from '../../core/task.js';
import { isTooLarge } from './errors.js';

/** An ending as a pipeline can pick it: flat, the result as JSON text. */
export interface WrittenEnding {
  id: string;
  token: string;
  kind: Outcome['kind'];
  /** Gives way to a cancel that came first: there was no end of the body's own. */
  loss: boolean;
  /** The task's reason, if it ends here. */
  reason?: EndReason;
  /** What stands in `attempts[]`. */
  startReason: string;
  result?: string;
  error?: TaskError;
  /** What stands beside it in `attempts[]` where another start follows. */
  startError?: Omit<TaskError, 'traceback'>;
  exit?: Exit;
  delayMs?: number;
  /** Waits for its next start with the grant that it has. */
  hold?: boolean;
}

/** One command takes 100 ends of 100 kB in 0.7 s on a slow server; larger ones would near the limits of a message (48 MB). */
const MAX_BATCH = 100;
const MAX_BATCH_BYTES = 4 * 1024 * 1024;

export function toWritten({ id, token, outcome }: Ending): WrittenEnding {
  const reason = 'reason' in outcome ? outcome.reason : undefined;
  return {
    id,
    token,
    kind: outcome.kind,
    loss: isLoss(outcome),
    startReason: startReasonOf(outcome),
    ...(reason === undefined ? {} : { reason }),
    ...(outcome.kind === 'completed' ? { result: JSON.stringify(outcome.result) } : {}),
    ...(outcome.kind === 'failed' || outcome.kind === 'skipped' ? { error: outcome.error } : {}),
    ...(outcome.kind === 'retried' ? retryOf(outcome) : {}),
    ...('exit' in outcome ? { exit: outcome.exit } : {}),
  };
}

/** How a start has ended, in the words of the ledger. */
function startReasonOf(outcome: Outcome): string {
  const reason = 'reason' in outcome ? outcome.reason : undefined;
  return reason ?? (outcome.kind === 'retried' ? 'failed' : outcome.kind);
}

/** A task may have a thousand starts: what is kept of each must not fill its record. */
const MAX_START_MESSAGE = 1_024;

function retryOf({ error, delayMs, hold }: Extract<Outcome, { kind: 'retried' }>): Partial<WrittenEnding> {
  return { startError: { code: error.code, message: error.message.slice(0, MAX_START_MESSAGE) }, delayMs, hold };
}

function isLoss(outcome: Outcome): boolean {
  if (outcome.kind === 'failed') return outcome.reason === 'worker-lost';
  return outcome.kind === 'requeued' || outcome.kind === 'retried' || outcome.kind === 'canceled';
}

/** Cuts by count and bytes; an id that comes twice begins a new batch, since one command looks values up by id. */
export function batches(endings: readonly WrittenEnding[]): WrittenEnding[][] {
  const done: WrittenEnding[][] = [];
  let batch: WrittenEnding[] = [];
  let ids = new Set<string>();
  let bytes = 0;
  for (const ending of endings) {
    const size = bytesOf(ending);
    if (batch.length === MAX_BATCH || bytes + size > MAX_BATCH_BYTES || ids.has(ending.id)) {
      if (batch.length > 0) done.push(batch);
      batch = [];
      ids = new Set();
      bytes = 0;
    }
    batch.push(ending);
    ids.add(ending.id);
    bytes += size;
  }
  if (batch.length > 0) done.push(batch);
  return done;
}

function bytesOf({ result, error }: WrittenEnding): number {
  const texts = [result, error?.message, error?.traceback];
  return texts.reduce((sum, text) => sum + (text === undefined ? 0 : Buffer.byteLength(text)), 0);
}

/** What is recorded in the place of a result that cannot be stored. */
export function refusalOf(
  { id, token, result = '' }: WrittenEnding,
  error: unknown,
): { id: string; token: string; error: TaskError } {
  const why = isTooLarge(error)
    ? { code: 'RESULT_TOO_LARGE', because: 'together with its progress and created resources the record would exceed 16 MiB' }
    : { code: 'RESULT_NOT_STORED', because: error instanceof Error ? error.message.slice(0, MAX_REASON) : String(error) };
  const message = `The task completed, but its result (${Buffer.byteLength(result)} bytes of JSON) could not be stored: ${why.because}.`;
  return { id, token, error: { code: why.code, message } };
}

const MAX_REASON = 500;
