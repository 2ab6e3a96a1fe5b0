import { PROCESS_NAME, QUEUE_NAME } from '../core/names.js';
import { damaged } from './damaged.js';
import { readPart } from './part.js';

/** What stood at the broker: names of queues of tasks, and of workers. */
export interface Topology {
  queues: string[];
  workers: string[];
}

/** A record of ten thousand queues has 10 MiB. It is read as a whole. */
const MAX_RECORD_BYTES = 64 * 1024 * 1024;

/** Of a text that is no name. */
const SHOWN = 80;

/** Throws InterlockError for anything but such names. */
export async function readTopology(folder: string, path: string): Promise<Topology> {
  const chunks: Uint8Array[] = [];
  let bytes = 0;
  for await (const chunk of readPart(folder, path)) {
    chunks.push(chunk);
    bytes += chunk.length;
    if (bytes > MAX_RECORD_BYTES) throw damaged(`${path} holds more than ${MAX_RECORD_BYTES} bytes`);
  }
  const { queues = [], workers = [] } = objectIn(Buffer.concat(chunks).toString('utf8'), path);
  return { queues: namesIn(queues, 'queues', QUEUE_NAME, path), workers: namesIn(workers, 'workers', PROCESS_NAME, path) };
}

/** Reads it to its end, whatever it holds. Throws InterlockError when it is not whole. */
export async function readThrough(folder: string, path: string, signal: AbortSignal): Promise<void> {
  const rest = readPart(folder, path)[Symbol.asyncIterator]();
  while ((await rest.next()).done !== true) signal.throwIfAborted();
}

function objectIn(text: string, path: string): Record<string, unknown> {
  try {
    const value = JSON.parse(text) as unknown;
    if (typeof value === 'object' && value !== null) return value as Record<string, unknown>;
  } catch {
    // Told below.
  }
  throw damaged(`${path} is no JSON object`);
}

function namesIn(list: unknown, key: keyof Topology, form: RegExp, path: string): string[] {
  if (!Array.isArray(list) || !list.every(each => typeof each === 'string'))
    throw damaged(`"${key}" in ${path} is no list of names`);
  const wrong = list.find(each => !form.test(each));
  if (wrong !== undefined)
    throw damaged(`"${key}" in ${path} holds ${JSON.stringify(wrong.slice(0, SHOWN))}, which is no such name`);
  return list;
}
