import type { FinalState } from '../core/state.js';
import type { Transport } from './transport.js';

export interface Purged {
  deleted: number;
  /** Held back: their group, or the task that spawned them, is open. */
  kept: number;
}

/** The API works at it for 20 s at most. */
const ANSWER_MS = 45_000;

/** Asks until everything was looked at, or nothing more goes away. */
export async function purge(
  transport: Transport,
  states: readonly FinalState[],
  { finishedBefore }: { finishedBefore?: Date | string } = {},
): Promise<Purged> {
  const query = { state: states, ...(finishedBefore !== undefined && { finishedBefore }) };
  const request = { method: 'DELETE', query, headers: { prefer: 'return=representation' }, timeoutMs: ANSWER_MS } as const;
  for (let deleted = 0; ;) {
    const answer = await transport.repeatable<Purged & { more: boolean }>('/tasks', request);
    deleted += answer.deleted;
    if (!answer.more || answer.deleted === 0) return { deleted, kept: answer.kept };
  }
}
