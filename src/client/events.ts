import type { EventView } from '../core/event.js';
import { isFinal } from '../core/state.js';
import { Unreachable } from './errors.js';
import { Blocks, type Block } from './event-blocks.js';
import { isTransient, pause, retryAfterMs, type QueryValue, type Transport } from './transport.js';

export type { EventView } from '../core/event.js';

/** One thing that a stream says: a task has changed, its body has reported, or events may be missing before this one. */
export type StreamEvent = { kind: 'task' | 'progress'; task: EventView } | { kind: 'resync'; reason: string; detail: string };

/** A list means or, several fields mean and. */
export type EventFilter = Readonly<
  Partial<
    Record<'state' | 'name' | 'queue' | 'worker' | 'tag' | 'group' | 'parent' | 'correlationId', string | readonly string[]>
  >
>;

export interface FollowOptions {
  /** Ends the iteration. */
  signal?: AbortSignal;
}

/** Three heartbeats of the API. */
const SILENCE_MS = 45_000;
const RETRY_MS = 2_000;
/** An API that is away for longer than this is an error. */
const PATIENCE_MS = 60_000;

interface Place {
  lastId: string | undefined;
  retryMs: number;
  /** What a refusal asked for beside that. */
  askedMs: number;
  /** By `performance.now()`. */
  heardAt: number;
}

interface Where {
  transport: Transport;
  path: string;
  query: Readonly<Record<string, QueryValue>>;
  signal: AbortSignal | undefined;
}

/**
 * Follows a stream over any number of connections: each goes on where the last one ended, and where that cannot be, a resync says so. `untilEnd`: it is that
 * of one task, and over with that. Throws Unreachable (after a minute without an answer), and what the API refuses.
 */
export async function* follow(
  transport: Transport,
  path: string,
  query: Where['query'],
  { signal, untilEnd }: FollowOptions & { untilEnd: boolean },
): AsyncGenerator<StreamEvent, void, undefined> {
  const place: Place = { lastId: undefined, retryMs: RETRY_MS, askedMs: 0, heardAt: performance.now() };
  while (!isOver(signal)) {
    for await (const event of eventsOf({ transport, path, query, signal }, place)) {
      yield event;
      if (untilEnd && event.kind === 'task' && isFinal(event.task.state)) return;
    }
    await pause(place.askedMs + place.retryMs * (0.5 + Math.random()), signal);
    place.askedMs = 0;
  }
}

/** Of one connection, until it ends, in whatever way. Throws what coming again does not mend. */
async function* eventsOf(where: Where, place: Place): AsyncGenerator<StreamEvent, void, undefined> {
  try {
    for await (const block of connection(where, place)) {
      place.heardAt = performance.now();
      const event = eventOf(block);
      if (event) yield event;
    }
  } catch (error) {
    if (isOver(where.signal)) return;
    if (!isTransient(error) || performance.now() - place.heardAt > PATIENCE_MS) throw error;
    place.askedMs = retryAfterMs(error);
  }
}

function isOver(signal: AbortSignal | undefined): boolean {
  return signal?.aborted === true;
}

/** Blocks without an event come too. Throws Unreachable when it breaks or falls silent. */
async function* connection({ transport, path, query, signal }: Where, place: Place): AsyncGenerator<Block, void, undefined> {
  const over = new AbortController();
  const silent = (): void => over.abort(new Unreachable(transport.url, `nothing was heard for ${SILENCE_MS / 1_000} s`));
  const timer = setTimeout(silent, SILENCE_MS);
  try {
    const headers = { accept: 'text/event-stream', ...(place.lastId !== undefined && { 'last-event-id': place.lastId }) };
    const ends = signal ? AbortSignal.any([over.signal, signal]) : over.signal;
    const blocks = new Blocks();
    for await (const bytes of transport.stream(path, { query, headers, signal: ends })) {
      timer.refresh();
      for (const block of blocks.take(bytes)) {
        place.lastId = block.id ?? place.lastId;
        place.retryMs = block.retry ?? place.retryMs;
        yield block;
      }
    }
  } finally {
    clearTimeout(timer);
    over.abort(); // whoever stops to iterate leaves no connection behind
  }
}

/** Kinds that a newer API may send are left out. */
function eventOf({ event, data }: Block): StreamEvent | undefined {
  if (event === 'task' || event === 'progress') return { kind: event, task: JSON.parse(data) as EventView };
  if (event === 'resync') return { kind: event, ...(JSON.parse(data) as { reason: string; detail: string }) };
  return undefined;
}
