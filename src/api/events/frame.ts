import { eventView, type TaskEvent } from '../../core/event.js';

/** How long a reader waits before it comes back, in milliseconds. */
const RETRY_MS = 2_000;

export type ResyncReason = 'connection' | 'dropped' | 'slow' | 'unknown-id' | 'compared';

const DETAILS: Readonly<Record<ResyncReason, string>> = {
  connection: 'The connection to the broker was lost and is back.',
  dropped: 'Events were dropped on their way.',
  slow: 'You read too slowly: what was waiting for you was dropped.',
  'unknown-id': 'This API does not have the events after your last one: they are too old, or were told by another process.',
  compared: 'Tasks have ended of which no event told.',
};

/** One event as it is sent. JSON has no line breaks, and neither has anything else here. */
export function frameOf(id: string, event: TaskEvent): Buffer {
  return Buffer.from(`id: ${id}\nevent: ${event.kind}\ndata: ${JSON.stringify(eventView(event))}\n\n`);
}

/** Read what you need to know: events may be missing before this one. */
export function resyncFrame(id: string, reason: ResyncReason): Buffer {
  return Buffer.from(`id: ${id}\nevent: resync\ndata: ${JSON.stringify({ reason, detail: DETAILS[reason] })}\n\n`);
}

/** Begins a stream. Without an id, where what came before is still to be told. */
export function openingFrame(id: string | undefined): Buffer {
  return Buffer.from(`retry: ${RETRY_MS}\n${id === undefined ? '' : `id: ${id}\n`}\n`);
}

/** A comment, and how far the stream is: whoever hears little comes back to the right place all the same. */
export function heartbeatFrame(id: string): Buffer {
  return Buffer.from(`: heartbeat\nid: ${id}\n\n`);
}
