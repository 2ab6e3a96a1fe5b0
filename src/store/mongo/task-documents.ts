import type { Json, JsonObject } from '../../core/json.js';
import { FINAL_STATES } from '../../core/state.js';
import { rankOf } from '../../core/priority.js';
import { isPattern } from '../../core/subtree.js';
import type { Attempt, NewTask, Superseded, Task } from '../../core/task.js';
import type { Ended, LineTask } from '../tasks.js';
import { flawOf, LINE_CHECKS, TASK_CHECKS } from './flaws.js';
import { salvagedLine, salvagedTask } from './salvage.js';

/**
 * A task as it stands in the database. What users wrote as JSON stays JSON text: no key of theirs can then be taken for
 * an operator or a path, integer-like keys keep their place, and lone surrogates survive (BSON replaces them).
 */
export type TaskDocument = Omit<Task, 'id' | 'args' | 'kwargs' | 'result' | 'attempts' | 'damaged'> & {
  _id: string;
  args: string;
  kwargs: string;
  result?: string;
  attempts: (Omit<Attempt, 'superseded'> & { superseded?: Omit<Superseded, 'result'> & { result?: string } })[];
  /** Of `unique`, as long as it keeps others away. */
  uniqueKey?: string;
  /** It reserves a pattern, or units: more than plain names. */
  special?: true;
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
  const { id, args, kwargs, result, attempts, ...rest } = task;
  const ready = task.waitingFor !== 'delay' && task.waitingFor !== 'dependencies';
  return {
    ...rest,
    _id: id,
    seq,
    rank: rankOf(task.priority, at),
    args: JSON.stringify(args),
    kwargs: JSON.stringify(kwargs),
    attempts: attempts as TaskDocument['attempts'], // nothing of a new task is superseded
    ...(result === undefined ? {} : { result: JSON.stringify(result) }),
    ...(task.unique ? { uniqueKey: task.unique.key } : {}),
    ...(isSpecial(task) ? { special: true } : {}),
    createdAt: at,
    ...(ready ? { readyAt: at } : {}),
  };
}

function isSpecial({ exclusive, shared, counted }: NewTask): boolean {
  return counted !== undefined || exclusive.some(isPattern) || shared.some(isPattern);
}

/** Whatever the record looks like: of a damaged one, what can be read. */
export function toTask(document: TaskDocument): Task {
  const flaw = flawOf(document, TASK_CHECKS);
  if (flaw !== undefined) return salvagedTask(document, flaw);
  const { _id, args, kwargs, result, attempts, ...rest } = document;
  delete rest.uniqueKey;
  delete rest.special;
  try {
    return {
      ...rest,
      id: _id,
      args: parsed(args, 'args', Array.isArray) as Json[],
      kwargs: parsed(kwargs, 'kwargs', isObject) as JsonObject,
      ...(result === undefined ? {} : { result: parsed(result, 'result', () => true) }),
      attempts: attempts.map(toAttempt),
    };
  } catch (error) {
    return salvagedTask(document, error instanceof Error ? error.message : String(error));
  }
}

function toAttempt(attempt: TaskDocument['attempts'][number]): Attempt {
  const { superseded, ...rest } = attempt;
  if (superseded === undefined) return rest;
  const { result, ...late } = superseded;
  const returned = result === undefined ? {} : { result: parsed(result, 'attempts.superseded.result', () => true) };
  return { ...rest, superseded: { ...late, ...returned } };
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
  counted: 1,
  state: 1,
  waitingFor: 1,
  grant: 1,
  run: 1,
  maxAttempts: 1,
  rate: 1,
  createdAt: 1,
  startedAt: 1,
  version: 1,
  awaiting: 1,
  under: 1,
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

export const ENDED_PROJECTION = { parent: 1 } as const;

export function toEnded({ _id, parent }: Pick<TaskDocument, '_id' | 'parent'>): Ended {
  return parent === undefined ? { id: _id } : { id: _id, parent };
}
