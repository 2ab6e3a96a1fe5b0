import { InterlockError } from '../core/errors.js';
import type { Json, JsonObject } from '../core/json.js';
import type { Task } from '../core/task.js';
import type { JoinStore } from '../store/store.js';

/** Ids of one read. */
const AT_ONCE = 100;
/** Of JSON: they reach the body in one message. */
const MAX_BYTES = 16 * 1_048_576;

/** What became of the tasks that this one comes after, by their names. Throws BODY_TOO_LARGE, StoreError. */
export async function dependenciesOf(
  joins: Pick<JoinStore, 'outcomes'>,
  { after = [] }: Pick<Task, 'after'>,
): Promise<JsonObject> {
  const nodes = new Map(after.map(({ node, id }) => [id, node]));
  const found: JsonObject = {};
  let bytes = 0;
  for (let from = 0; from < after.length; from += AT_ONCE) {
    for (const { id, ...outcome } of await joins.outcomes(after.slice(from, from + AT_ONCE).map(each => each.id))) {
      bytes += Buffer.byteLength(JSON.stringify(outcome));
      if (bytes > MAX_BYTES) throw tooLarge();
      found[nodes.get(id) ?? id] = { id, ...outcome } as unknown as Json;
    }
  }
  return found;
}

function tooLarge(): InterlockError {
  const message = `What the tasks before this one returned is more than ${MAX_BYTES} bytes together. Let them write it elsewhere, and return where it is.`;
  return new InterlockError('BODY_TOO_LARGE', message);
}
