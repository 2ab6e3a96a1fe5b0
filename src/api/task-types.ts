import { Type } from 'typebox';

import type { JsonObject } from '../core/json.js';
import { inputSchemaOf } from '../tasks/json-schema.js';
import type { ApiContext, ApiServer } from './context.js';
import { listOf, orNull, wholeList } from './schemas.js';

const duration = Type.Union([Type.Number(), Type.String()], { description: 'Seconds, or an ISO 8601 duration.' });
const TaskType = Type.Object({
  name: Type.String(),
  version: orNull(Type.Integer({ description: 'Workers with an older one leave its tasks to others.' })),
  plain: Type.Boolean({ description: 'A plain function: it takes `args`. Others take `kwargs`.' }),
  input: orNull(Type.Unsafe<JsonObject>({ type: 'object', description: 'JSON Schema of `kwargs`; null when unchecked.' })),
  queue: orNull(Type.String()),
  priority: orNull(Type.Integer()),
  maxAttempts: orNull(Type.Integer()),
  retry: orNull(Type.Unsafe<JsonObject>({ type: 'object', description: 'As in the submit body.' })),
  onWorkerLoss: orNull(Type.String()),
  softTimeLimit: orNull(duration),
  timeLimit: orNull(duration),
  stallAfter: orNull(duration),
  tags: Type.Array(Type.String()),
});

export function taskTypeRoutes(app: ApiServer, { types }: ApiContext): void {
  const schema = {
    operationId: 'listTaskTypes',
    summary: 'Task types that can be submitted, with what each presets',
    tags: ['task types'],
    response: { 200: listOf(TaskType) },
  };
  app.get('/task-types', { schema }, () =>
    wholeList(
      types.list().map(type => ({
        name: type.name,
        version: type.version ?? null,
        plain: type.plain,
        input: inputSchemaOf(type),
        queue: type.queue ?? null,
        priority: type.priority ?? null,
        maxAttempts: type.maxAttempts ?? null,
        retry: (type.retry as JsonObject | undefined) ?? null,
        onWorkerLoss: type.onWorkerLoss ?? null,
        softTimeLimit: type.softTimeLimit ?? null,
        timeLimit: type.timeLimit ?? null,
        stallAfter: type.stallAfter ?? null,
        tags: [...(type.tags ?? [])],
      })),
    ),
  );
}
