import type { Json, JsonObject } from '../../core/json.js';
import { FINAL_STATES } from '../../core/state.js';
import { rankOf } from '../../core/priority.js';
import type { NewTask, Task } from '../../core/task.js';
import type { LineTask } from '../tasks.js';
import { flawOf, LINE_CHECKS, TASK_CHECKS } from './flaws.js';
import { salvagedLine, salvagedTask } from './salvage.js';

/**
 * A task as it stands in the database. What users wrote as JSON stays JSON text: no key of theirs can then be taken for
 * an operator or a path, integer-like keys keep their place, and lone surrogates survive (BSON replaces them).
 */
export type TaskDocument = Omit<Task, 'id' | 'args' | 'kwargs' | 'result' | 'damaged'> & {
  _id: string;
  args: string;
  kwargs: string;
  result?: string;
  /** Of `unique`, as long as it keeps others away. */
  uniqueKey?: string;
};

/** Closes a number. It has neither state nor name; its id sorts behind every uuid, so that lists end before it. */
export interface VoidDocument {
  _id: `void:${number}`;
  seq: number;
  voidAt: Date;
}

/** Ids of tasks lie below this, ids of voids above. */
export const END_OF_TASK_IDS = 'void:';
/** Where the id is given: not by the state, which a damaged task may lack. */
export const NO_VOID = { voidAt: { $exists: false } } as object;

/** Not the open states by name: a damaged record whose state is some other word still holds, and may run. */
export const OPEN = { $nin: [...FINAL_STATES] as Task['state'][] };

export function toDocument(task: NewTask, seq: number, at: Date): TaskDocument {
  const { id, args, kwargs, result, ...rest } = task;
  const ready = task.waitingFor !== 'delay' && task.waitingFor !== 'dependencies';
  return {
    ...rest,
    _id: id,
    seq,
    rank: rankOf(task.priority, at),
    args: JSON.stringify(args),
    kwargs: JSON.stringify(kwargs),
    ...(result === undefined ? {} : { result: JSON.stringify(result) }),
    ...(task.unique ? { uniqueKey: task.unique.key } : {}),
    createdAt: at,
    ...(ready ? { readyAt: at } : {}),
  };
}

/** Whatever the record looks like: of a damaged one, what can be read. */
export function toTask(document: TaskDocument): Task {
  const flaw = flawOf(document, TASK_CHECKS);
  if (flaw !== undefined) return salvagedTask(document, flaw);
  const { _id, args, kwargs, result, ...rest } = document;
  delete rest.uniqueKey;
  try {
    return {
      ...rest,
      id: _id,
      args: parsed(args, 'args', Array.isArray) as Json[],
      kwargs: parsed(kwargs, 'kwargs', isObject) as JsonObject,
      ...(result === undefined ? {} : { result: parsed(result, 'result', () => true) }),
    };
  } catch (error) {
    return salvagedTask(document, error instanceof Error ? error.message : String(error));
  }
}

/** Throws SyntaxError, which names the field. */
function parsed(text: string, field: string, fits: (value: unknown) => boolean): Json {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    throw new SyntaxError(`"${field}" is not JSON text`);
  }
  if (!fits(value)) throw new SyntaxError(`"${field}" is JSON of another kind`);
  return value as Json;
}

function isObject(value: unknown): boolean {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

type LineField = Exclude<keyof LineTask, 'id' | 'damaged'>;
const LINE_FIELDS = {
  seq: 1,
  name: 1,
  queue: 1,
  priority: 1,
  exclusive: 1,
  shared: 1,
  state: 1,
  waitingFor: 1,
  grant: 1,
  run: 1,
  maxAttempts: 1,
  createdAt: 1,
  startedAt: 1,
} as const satisfies Record<LineField, 1>;

/** `voidAt` tells a void from a task. */
export const LINE_PROJECTION = { ...LINE_FIELDS, voidAt: 1 } as const;
export type LineDocument = Pick<TaskDocument, '_id' | LineField>;

export function toLine(document: LineDocument): LineTask {
  const flaw = flawOf(document, LINE_CHECKS);
  if (flaw !== undefined) return salvagedLine(document, flaw);
  const { _id, ...fields } = document;
  return { ...fields, id: _id };
}

export function toLineOrVoid(document: LineDocument | VoidDocument): LineTask | { seq: number; void: true } {
  return 'voidAt' in document ? { seq: document.seq, void: true } : toLine(document);
}
