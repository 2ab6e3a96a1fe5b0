import { InterlockError, invalid } from '../core/errors.js';
import type { Json, JsonObject } from '../core/json.js';
import { nearest } from '../core/nearest.js';
import { canonicalResources } from '../core/reservation.js';
import { needsResources, type NewTask, type Task } from '../core/task.js';
import type { TaskDefinition } from '../tasks/definition.js';
import { resourcesOf } from '../tasks/resources.js';
import { canonicalJson } from './canonical-json.js';
import { TASK_LIMITS, unsafeJson } from './json-safety.js';
import { momentOf, timeOf } from './moment.js';
import { schemaCheck, validationFailed } from './schema-check.js';
import { SUBMIT_BODY, type SubmitBody } from './submit-schema.js';
import type { TypeCatalogue } from './type-catalogue.js';

/** Where a submission comes from: everything of a task that its submit body does not say. */
export interface Origin {
  principal: string;
  correlationId: string;
  parent?: { id: string; root: string } | undefined;
  idempotencyKey?: string | undefined;
  /** What the key stands for when that is more than this body: the whole batch. */
  keyedBody?: unknown;
  schedule?: { id: string; slot: Date } | undefined;
}

export interface SubmissionDeps {
  /** Undefined: the submitter has checked the type and its input already (a child submits through its supervisor). */
  types: TypeCatalogue | undefined;
  now(): Date;
  newId(): string;
  /** A digest such as SHA-256 in hex. */
  hash(text: string): string;
}

const DEFAULT_QUEUE = 'default';
const DEFAULT_PRIORITY = 4;
const REQUEUE_ATTEMPTS = 3;

const errorsIn = schemaCheck(SUBMIT_BODY);

/**
 * Turns a submit body of any origin into the record to be stored, or throws: VALIDATION_FAILED with pointers into the body,
 * UNKNOWN_TASK_TYPE. Nothing is stored or sent here.
 */
export async function prepare(body: unknown, origin: Origin, deps: SubmissionDeps): Promise<NewTask> {
  const asked = checked(body);
  const definition = typeOf(asked, deps.types);
  const submit = withDefaults(asked, definition);
  const input = await inputOf(submit, definition, deps.types);
  const resources = reservationOf(submit, definition, input.checked);
  const timing = timingOf(submit, deps.now());
  return {
    id: deps.newId(),
    name: submit.name,
    args: input.args,
    kwargs: input.kwargs,
    queue: submit.queue ?? DEFAULT_QUEUE,
    priority: submit.priority ?? DEFAULT_PRIORITY,
    ...resources,
    state: 'waiting',
    waitingFor: timing.dueAt ? 'delay' : needsResources(resources) ? 'resources' : 'worker',
    ...timing,
    attempt: 0,
    ...startsOf(submit),
    attempts: [],
    progress: [],
    createdResources: [],
    tags: [...new Set(submit.tags)],
    ...fromOrigin(origin, body, deps),
  };
}

function checked(body: unknown): SubmitBody {
  const unsafe = unsafeJson(body, TASK_LIMITS);
  if (unsafe) throw validationFailed([unsafe]);
  const errors = errorsIn(body);
  if (errors.length > 0) throw validationFailed(errors);
  return body as SubmitBody;
}

function typeOf({ name }: SubmitBody, types: TypeCatalogue | undefined): TaskDefinition | undefined {
  if (!types) return undefined;
  const definition = types.get(name);
  if (definition) return definition;
  const meant = nearest(
    name,
    types.list().map(type => type.name),
  );
  const hint = meant === undefined ? 'GET /api/v1/task-types lists them.' : `Did you mean "${meant}"?`;
  const message = `There is no task type "${name}". ${hint}`;
  throw new InterlockError('UNKNOWN_TASK_TYPE', message, { errors: [{ pointer: '/name', detail: 'is not a known task type' }] });
}

/** What the caller gives wins over what the type presets. */
function withDefaults(asked: SubmitBody, definition: TaskDefinition | undefined): SubmitBody {
  if (!definition) return asked;
  const { queue, priority, maxAttempts, onWorkerLoss, tags } = definition;
  const presets = Object.entries({ queue, priority, maxAttempts, onWorkerLoss, tags }).filter(([, value]) => value !== undefined);
  if (presets.length === 0) return asked;
  const submit = { ...Object.fromEntries(presets), ...asked };
  const [error] = errorsIn(submit);
  if (error)
    throw invalid(error.pointer, `the preset of the task type "${definition.name}" is not valid: ${error.detail}`, error.reason);
  return submit;
}

interface Input {
  args: Json[];
  kwargs: JsonObject;
  /** What the type makes of it (defaults, transforms): the input of its `resources`. */
  checked: unknown;
}

async function inputOf(
  submit: SubmitBody,
  definition: TaskDefinition | undefined,
  types: TypeCatalogue | undefined,
): Promise<Input> {
  const { args = [], kwargs = {} } = submit;
  if (!definition || !types) return { args, kwargs, checked: kwargs };
  const { input, ...stored } = await types.check(definition, args, kwargs);
  return { ...stored, checked: input };
}

type Resources = Pick<Task, 'exclusive' | 'shared'>;

/** The body's names are judged first, so that an error points at what the caller wrote. */
function reservationOf(submit: SubmitBody, definition: TaskDefinition | undefined, input: unknown): Resources {
  const { exclusive = [], shared = [] } = submit;
  const own = canonicalResources({ exclusive, shared });
  if (!definition?.resources) return own;
  const all = resourcesOf(definition, input, own);
  try {
    return canonicalResources(all);
  } catch (error) {
    if (!(error instanceof InterlockError)) throw error;
    const { detail, reason } = error.errors[0] ?? { detail: error.message };
    throw invalid('/kwargs', `the resources that the task type "${definition.name}" adds are refused: ${detail}`, reason);
  }
}

/** A time that has passed is no delay. A task that could never start is refused. */
function timingOf({ eta, countdown, expires }: SubmitBody, now: Date): Pick<NewTask, 'dueAt' | 'expiresAt'> {
  if (eta !== undefined && countdown !== undefined)
    throw invalid('/countdown', 'give either eta or countdown, not both', 'ambiguous');
  const delayed = countdown === undefined ? undefined : momentOf(countdown, now, '/countdown');
  const due = eta === undefined ? delayed : timeOf(eta, now, '/eta');
  const dueAt = due && due > now ? due : undefined;
  const expiresAt = expires === undefined ? undefined : momentOf(expires, now, '/expires');
  if (expiresAt && expiresAt <= (dueAt ?? now)) throw invalid('/expires', 'lies before the task could start', 'date_invalid');
  return { ...(dueAt && { dueAt }), ...(expiresAt && { expiresAt }) };
}

function startsOf(submit: SubmitBody): Pick<NewTask, 'maxAttempts' | 'onWorkerLoss'> {
  const { onWorkerLoss = 'cancel', maxAttempts = onWorkerLoss === 'requeue' ? REQUEUE_ATTEMPTS : 1 } = submit;
  if (onWorkerLoss === 'requeue' && maxAttempts === 1) {
    throw invalid('/maxAttempts', 'must be at least 2 with onWorkerLoss "requeue": the first start counts', 'number_range');
  }
  return { maxAttempts, onWorkerLoss };
}

type FromOrigin = Pick<NewTask, 'correlationId' | 'parent' | 'root' | 'schedule' | 'idempotency'>;

function fromOrigin(origin: Origin, body: unknown, deps: SubmissionDeps): FromOrigin {
  const { principal, correlationId, parent, idempotencyKey: key, keyedBody = body, schedule } = origin;
  return {
    correlationId,
    ...(parent && { parent: parent.id, root: parent.root }),
    ...(schedule && { schedule }),
    ...(key !== undefined && { idempotency: { principal, key, bodyHash: deps.hash(canonicalJson(keyedBody)) } }),
  };
}
