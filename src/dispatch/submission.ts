import { InterlockError, invalid } from '../core/errors.js';
import type { Json, JsonObject } from '../core/json.js';
import type { Lender } from '../core/task.js';
import { nearest } from '../core/nearest.js';
import { DEFAULT_PRIORITY } from '../core/priority.js';
import { parseLimit, RATE_EXPECTED, type Rate } from '../core/rate.js';
import type { SubmitBody } from '../core/submit-body.js';
import { needsResources, type NewTask, type Task } from '../core/task.js';
import { presetsOf, type TaskDefinition } from '../tasks/definition.js';
import { rateKeyOf } from '../tasks/rate-key.js';
import { uniqueOf as uniqueOfType } from '../tasks/unique.js';
import { canonicalJson } from './canonical-json.js';
import { TASK_LIMITS, unsafeJson } from './json-safety.js';
import { momentOf, timeOf } from './moment.js';
import { limitsOf, startsOf } from './policies.js';
import { reservationOf, type UnitsOf } from './reserved.js';
import { schemaCheck, validationFailed } from './schema-check.js';
import { SUBMIT_BODY } from './submit-schema.js';
import type { TypeCatalogue } from './type-catalogue.js';

/** Where a submission comes from: everything of a task that its submit body does not say. */
export interface Origin {
  principal: string;
  correlationId: string;
  /** A child has its parent's priority unless another one is given. */
  parent?: { id: string; root: string; priority: number } | undefined;
  /** Whose reservation it runs under: its supervisor has seen to it that this one lends. */
  under?: Lender | undefined;
  idempotencyKey?: string | undefined;
  /** What the key stands for when that is more than this body: the whole batch. */
  keyedBody?: unknown;
  schedule?: { id: string; slot: Date } | undefined;
  /** Of the type, where whoever checked it already knows that. */
  version?: number | undefined;
}

export interface SubmissionDeps {
  /** Undefined: the submitter has checked the type and its input already (a child submits through its supervisor). */
  types: TypeCatalogue | undefined;
  /** Absent: what is counted is not judged by what there is of it, and may have to wait until there is. */
  unitsOf?: UnitsOf | undefined;
  now(): Date;
  newId(): string;
  /** A digest such as SHA-256 in hex. */
  hash(text: string): string;
}

const DEFAULT_QUEUE = 'default';

const errorsIn = schemaCheck(SUBMIT_BODY);

/**
 * Turns a submit body of any origin into the record to be stored, or throws: VALIDATION_FAILED with pointers into the body,
 * UNKNOWN_TASK_TYPE. Nothing is stored or sent here.
 */
export async function prepare(body: unknown, origin: Origin, deps: SubmissionDeps): Promise<NewTask> {
  const asked = checked(body);
  const { parent } = asked;
  if (parent !== undefined && parent !== origin.parent?.id)
    throw invalid('/parent', 'is not the id of a task', 'missing_resource');
  const definition = deps.types && typeNamed(asked.name, deps.types);
  const submit = withDefaults(asked, definition);
  const input = await inputOf(submit, definition, deps.types);
  const rate = rateOf(submit, definition, input.checked);
  const reserved = await reservationOf(submit, { definition, input: input.checked, unitsOf: deps.unitsOf });
  const needs = { ...reserved, ...(rate && { rate }) };
  const timing = timingOf(submit, deps.now());
  return {
    id: deps.newId(),
    name: submit.name,
    ...versionOf(definition, origin),
    args: input.args,
    kwargs: input.kwargs,
    queue: submit.queue ?? DEFAULT_QUEUE,
    priority: submit.priority ?? origin.parent?.priority ?? DEFAULT_PRIORITY,
    ...needs,
    state: 'waiting',
    waitingFor: timing.dueAt ? 'delay' : needsResources(needs) ? 'resources' : 'worker',
    ...timing,
    attempt: 0,
    ...startsOf(submit),
    ...limitsOf(submit),
    ...uniqueOf(submit, definition, input.checked),
    attempts: [],
    progress: [],
    createdResources: [],
    tags: [...new Set(submit.tags)],
    ...(submit.group !== undefined && { group: submit.group }),
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

/** What a child takes over of the task on whose behalf it is submitted. */
export function familyOf({ id, root = id, priority }: Pick<Task, 'id' | 'root' | 'priority'>): NonNullable<Origin['parent']> {
  return { id, root, priority };
}

/** Id of a record that a body names as its `parent` or `group`, if it names one. */
export function idIn(body: unknown, field: 'parent' | 'group'): string | undefined {
  const id = ((body ?? {}) as Record<string, unknown>)[field];
  return typeof id === 'string' ? id : undefined;
}

/** Throws UNKNOWN_TASK_TYPE. */
export function typeNamed(name: string, types: TypeCatalogue): TaskDefinition {
  const definition = types.get(name);
  if (definition) return definition;
  const meant = nearest(
    name,
    types.list().map(type => type.name),
  );
  const hint = meant === undefined ? 'GET /api/v1/task-types lists them' : `did you mean "${meant}"?`;
  const message = `There is no task type "${name}"${meant === undefined ? `; ${hint}.` : `; ${hint}`}`;
  throw new InterlockError('UNKNOWN_TASK_TYPE', message, {
    errors: [{ pointer: '/name', detail: `is not a known task type; ${hint}` }],
  });
}

/** Whoever runs it must have no older code than whoever checked its input. */
function versionOf(definition: TaskDefinition | undefined, origin: Origin): Pick<NewTask, 'version'> {
  const version = definition?.version ?? origin.version;
  return version === undefined ? {} : { version };
}

/** What the caller gives wins over what the type presets. */
function withDefaults(asked: SubmitBody, definition: TaskDefinition | undefined): SubmitBody {
  if (!definition) return asked;
  const presets = presetsOf(definition);
  if (Object.keys(presets).length === 0) return asked;
  const submit = { ...presets, ...asked } as SubmitBody;
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

/** A time that has passed is no delay. A task that could never start is refused. */
function timingOf({ eta, countdown, expires }: SubmitBody, now: Date): Pick<NewTask, 'dueAt' | 'expiresAt'> {
  if (eta !== undefined && countdown !== undefined)
    throw invalid('/countdown', 'give either eta or countdown, not both', 'ambiguous');
  const delayed = countdown === undefined ? undefined : momentOf(countdown, now, '/countdown');
  const due = eta === undefined ? delayed : timeOf(eta, now, '/eta');
  const dueAt = due && due > now ? due : undefined;
  const expiresAt = expires === undefined ? undefined : momentOf(expires, now, '/expires');
  if (expiresAt && expiresAt <= (dueAt ?? now))
    throw invalid('/expires', 'lies before the task could start: expected a later time', 'date_invalid');
  return { ...(dueAt && { dueAt }), ...(expiresAt && { expiresAt }) };
}

/** The key is prefixed by nothing: it holds for the whole deployment, whatever the type. */
function uniqueOf(submit: SubmitBody, definition: TaskDefinition | undefined, input: unknown): Pick<NewTask, 'unique'> {
  const wish = submit.unique ?? (definition && uniqueOfType(definition, input));
  if (!wish) return {};
  const [error] = errorsIn({ name: submit.name, unique: wish });
  if (error)
    throw invalid('/unique', `the unique key of the task type "${submit.name}" is not valid: ${error.detail}`, error.reason);
  const { key, while: during = 'open', onConflict = 'return' } = wish;
  return { unique: { key: key.normalize('NFC'), while: during, onConflict } };
}

/**
 * The key holds for the whole deployment, whatever the type. A retry that keeps its grant would start without a turn under the limit, so it is
 * refused rather than let through.
 */
function rateOf(submit: SubmitBody, definition: TaskDefinition | undefined, input: unknown): Rate | undefined {
  const { name, rateLimit, retry } = submit;
  if (rateLimit === undefined) {
    if (submit.rateKey === undefined) return undefined;
    throw invalid('/rateKey', 'is of no use without a rateLimit', 'rate');
  }
  const limit = parseLimit(rateLimit);
  if (!limit) throw invalid('/rateLimit', RATE_EXPECTED, 'rate');
  if (retry?.holdWhileRetrying === true)
    throw invalid(
      '/retry/holdWhileRetrying',
      'cannot be with a rateLimit: each start after a failure waits for its turn',
      'rate',
    );
  const key = submit.rateKey ?? (definition && rateKeyOf(definition, input)) ?? name;
  const [error] = errorsIn({ name, rateKey: key });
  if (error) throw invalid('/rateKey', `the rate key of the task type "${name}" is not valid: ${error.detail}`, error.reason);
  return { key: key.normalize('NFC'), ...limit };
}

type FromOrigin = Pick<NewTask, 'correlationId' | 'parent' | 'root' | 'under' | 'schedule' | 'idempotency'>;

function fromOrigin(origin: Origin, body: unknown, deps: SubmissionDeps): FromOrigin {
  const { principal, correlationId, parent, under, idempotencyKey: key, keyedBody = body, schedule } = origin;
  return {
    correlationId,
    ...(parent && { parent: parent.id, root: parent.root }),
    ...(under && { under }),
    ...(schedule && { schedule }),
    ...(key !== undefined && { idempotency: { principal, key, bodyHash: deps.hash(canonicalJson(keyedBody)) } }),
  };
}
