import { createHash } from 'node:crypto';

import { invalid, type InterlockError } from '../../core/errors.js';
import { canonicalJson } from '../../dispatch/canonical-json.js';

/** A place between two items of one particular list. */
export interface Cursor {
  direction: 'after' | 'before';
  id: string;
  /** Where the list is in the order of times: that of the item. */
  at?: Date | undefined;
}

const VERSION = 1;
const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/;

/** Opaque text. `list` is what defines the list (filter and order): a cursor of one list means nothing in another. */
export function encodeCursor(cursor: Cursor, list: unknown): string {
  const fields = [VERSION, digest(list), cursor.direction === 'after' ? 'a' : 'b', cursor.id, cursor.at?.getTime()];
  return Buffer.from(JSON.stringify(fields)).toString('base64url');
}

/** Throws VALIDATION_FAILED for anything that this function's sibling did not make for this list. */
export function decodeCursor(text: string, list: unknown, pointer = '?cursor'): Cursor {
  const [version, list_, direction, id, at] = fieldsOf(text);
  const time = typeof at === 'number' ? new Date(at) : undefined;
  const placed = typeof id === 'string' && UUID.test(id) && !Number.isNaN(time?.getTime());
  if (version !== VERSION || (direction !== 'a' && direction !== 'b') || !placed) throw badCursor(pointer);
  if (list_ !== digest(list)) throw invalid(pointer, 'belongs to another filter or order: start again without it', 'bad_cursor');
  return { direction: direction === 'a' ? 'after' : 'before', id, ...(time && { at: time }) };
}

export function badCursor(pointer: string): InterlockError {
  return invalid(pointer, 'is not a cursor: take it from `next` or `prev` of a page', 'bad_cursor');
}

function fieldsOf(text: string): unknown[] {
  try {
    const fields: unknown = JSON.parse(Buffer.from(text, 'base64url').toString('utf8'));
    return Array.isArray(fields) ? fields : [];
  } catch {
    return [];
  }
}

function digest(list: unknown): string {
  return createHash('sha256').update(canonicalJson(list)).digest('base64url').slice(0, 16);
}

/** The same path with the same query, but this cursor. */
export function pathWithCursor(url: string, cursor: string): string {
  const [path = '', query = ''] = url.split('?', 2);
  const params = new URLSearchParams(query);
  params.set('cursor', cursor);
  return `${path}?${params.toString()}`;
}

/** RFC 8288; undefined when there is nothing to link to. */
export function linkHeader(links: { next: string | null; prev: string | null }): string | undefined {
  const entries = Object.entries(links).filter(([, path]) => path !== null);
  return entries.length === 0 ? undefined : entries.map(([rel, path]) => `<${String(path)}>; rel="${rel}"`).join(', ');
}

/** Of a list of which one item more than the page has was read, so as to see whether there are more. `nextPath`: of the page behind the last one of this. */
export function pageOf<T>(
  read: readonly T[],
  limit: number,
  nextPath: (last: T) => string,
): { items: T[]; next: string | null; prev: null } {
  const items = read.slice(0, limit);
  const last = read.length > limit ? items.at(-1) : undefined;
  return { items, next: last === undefined ? null : nextPath(last), prev: null };
}
