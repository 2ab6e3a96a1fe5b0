import { MAX_UNITS } from '../../core/canonical-resources.js';
import type { Counted } from '../../core/reservation.js';
import { isFinal, STATES, type State } from '../../core/state.js';
import type { Grant, Task } from '../../core/task.js';
import type { LineTask } from '../tasks.js';
import { isAttempt, isCounted, isDate, isGrant, isReport, isRun, isText, LINE_RULES, TASK_RULES, type Raw } from './flaws.js';

/** Stands for a time that cannot be read. */
const NO_TIME = new Date(0);

/**
 * A damaged record as far as it can be read, with harmless values for the rest. In doubt it is open and holds what it names: that
 * costs a resource until somebody looks, where the contrary could give it to two.
 */
export function salvagedLine(raw: Raw, damaged: string): LineTask {
  const state = stateOf(raw);
  const exclusive = names(raw.exclusive);
  const grant = grantOf(raw, state);
  return {
    ...sound(raw, ['waitingFor', 'startedAt', 'version', 'rate', 'awaiting', 'under'], LINE_RULES),
    id: String(raw._id),
    seq: known(raw, 'seq', 0),
    name: known(raw, 'name', 'unknown'),
    queue: known(raw, 'queue', 'default'),
    priority: known(raw, 'priority', 4),
    exclusive,
    shared: names(raw.shared).filter(name => !exclusive.includes(name)),
    ...countedOf(raw.counted, exclusive),
    state,
    ...(grant && { grant }),
    ...(isRun(raw.run) && { run: raw.run as NonNullable<Task['run']> }),
    maxAttempts: known(raw, 'maxAttempts', 1),
    createdAt: known(raw, 'createdAt', NO_TIME),
    damaged,
  };
}

export function salvagedTask(raw: Raw, damaged: string): Task {
  const optional = Object.keys(TASK_RULES).filter(name => TASK_RULES[name]?.optional === true && !(name in LINE_RULES));
  return {
    ...salvagedLine(raw, damaged),
    ...sound(raw, optional, TASK_RULES),
    ...json(raw.result, 'result'),
    args: [],
    kwargs: {},
    ...json(raw.args, 'args', Array.isArray),
    ...json(raw.kwargs, 'kwargs', value => typeof value === 'object' && value !== null && !Array.isArray(value)),
    attempt: known(raw, 'attempt', 0),
    onWorkerLoss: known(raw, 'onWorkerLoss', 'cancel'),
    attempts: parts(raw.attempts, isAttempt) as Task['attempts'],
    progress: parts(raw.progress, isReport) as Task['progress'],
    createdResources: parts(raw.createdResources, isText) as string[],
    correlationId: known(raw, 'correlationId', ''),
    tags: parts(raw.tags, isText) as string[],
  };
}

/** An unknown word is no end; a run says that it had begun. */
function stateOf({ state, run }: Raw): State {
  if (STATES.includes(state as State)) return state as State;
  return run === undefined ? 'waiting' : 'running';
}

/** What runs with resources has been granted them, whatever is left of the grant; so has what shows any trace of one. */
function grantOf(raw: Raw, state: State): Grant | undefined {
  if (isGrant(raw.grant)) return raw.grant as Grant;
  if (isFinal(state) || (raw.grant === undefined && state === 'waiting')) return undefined;
  const { fence, epoch, at } = (raw.grant ?? {}) as Raw;
  return { fence: numberOr(fence, 0), epoch: numberOr(epoch, 0), at: isDate(at) ? at : NO_TIME };
}

function numberOr(value: unknown, fallback: number): number {
  return Number.isSafeInteger(value) ? (value as number) : fallback;
}

function names(value: unknown): string[] {
  return isText(value) ? [value] : [...new Set(parts(value, isText) as string[])];
}

/** Units that cannot be read may be all there are. */
function countedOf(value: unknown, exclusive: readonly string[]): Pick<Task, 'counted'> {
  const named = parts(value, part => isText((part as Raw | null)?.name)) as Counted[];
  const sound = named.map(each => (isCounted(each) ? each : { name: each.name, units: MAX_UNITS }));
  const once = sound.filter(({ name }, at) => !exclusive.includes(name) && sound.findIndex(each => each.name === name) === at);
  return once.length > 0 ? { counted: once } : {};
}

function parts(value: unknown, holds: (part: unknown) => boolean): unknown[] {
  return Array.isArray(value) ? value.filter(holds) : [];
}

function known<T>(raw: Raw, name: string, fallback: T): T {
  return TASK_RULES[name]?.holds(raw[name]) ? (raw[name] as T) : fallback;
}

function sound(raw: Raw, fields: readonly string[], rules: typeof TASK_RULES): Raw {
  return Object.fromEntries(fields.filter(name => rules[name]?.holds(raw[name])).map(name => [name, raw[name]]));
}

function json(text: unknown, field: string, fits: (value: unknown) => boolean = () => true): Raw {
  if (!isText(text)) return {};
  try {
    const value: unknown = JSON.parse(text);
    return fits(value) ? { [field]: value } : {};
  } catch {
    return {}; // what cannot be read is left out: the flaw says so
  }
}
