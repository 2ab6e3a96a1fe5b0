import type { Json, JsonObject } from '../../core/json.js';
import type { NewTask, Task } from '../../core/task.js';
import type { LineTask } from '../tasks.js';

/**
 * A task as it stands in the database. What users wrote as JSON stays JSON text: no key of theirs can then be taken for
 * an operator or a path, integer-like keys keep their place, and lone surrogates survive (BSON replaces them).
 */
export type TaskDocument = Omit<Task, 'id' | 'args' | 'kwargs' | 'result'> & {
  _id: string;
  args: string;
  kwargs: string;
  result?: string;
};

/** Closes a number. It has neither state nor name; its id sorts behind every uuid, so that lists end before it. */
export interface VoidDocument {
  _id: `void:${number}`;
  seq: number;
  voidAt: Date;
}

/** Ids of tasks lie below this, ids of voids above. */
export const END_OF_TASK_IDS = 'void:';

export function toDocument(task: NewTask, seq: number, at: Date): TaskDocument {
  const { id, args, kwargs, result, ...rest } = task;
  const ready = task.waitingFor !== 'delay' && task.waitingFor !== 'dependencies';
  return {
    ...rest,
    _id: id,
    seq,
    args: JSON.stringify(args),
    kwargs: JSON.stringify(kwargs),
    ...(result === undefined ? {} : { result: JSON.stringify(result) }),
    createdAt: at,
    ...(ready ? { readyAt: at } : {}),
  };
}

export function toTask(document: TaskDocument): Task {
  const { _id, args, kwargs, result, ...rest } = document;
  return {
    ...rest,
    id: _id,
    args: JSON.parse(args) as Json[],
    kwargs: JSON.parse(kwargs) as JsonObject,
    ...(result === undefined ? {} : { result: JSON.parse(result) as Json }),
  };
}

type LineField = Exclude<keyof LineTask, 'id'>;
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

export function toLine({ _id, ...fields }: LineDocument): LineTask {
  return { ...fields, id: _id };
}

export function toLineOrVoid(document: LineDocument | VoidDocument): LineTask | { seq: number; void: true } {
  return 'voidAt' in document ? { seq: document.seq, void: true } : toLine(document);
}
