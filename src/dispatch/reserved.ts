import { canonicalResources, limitOf } from '../core/canonical-resources.js';
import { InterlockError, invalid } from '../core/errors.js';
import { pointerTo } from '../core/pointer.js';
import type { Counted } from '../core/reservation.js';
import type { SubmitBody } from '../core/submit-body.js';
import type { Task } from '../core/task.js';
import { concurrencyOf } from '../tasks/concurrency.js';
import type { TaskDefinition } from '../tasks/definition.js';
import { resourcesOf } from '../tasks/resources.js';
import { schemaCheck } from './schema-check.js';
import { SUBMIT_BODY } from './submit-schema.js';

/** How many units there are of those of these resources that are declared. */
export type UnitsOf = (names: readonly string[]) => Promise<ReadonlyMap<string, number>>;

interface Reserving {
  definition: TaskDefinition | undefined;
  /** As the type has checked it. */
  input: unknown;
  unitsOf: UnitsOf | undefined;
}

type Resources = Pick<Task, 'exclusive' | 'shared' | 'counted'>;

const errorsIn = schemaCheck(SUBMIT_BODY);

/**
 * All that a task reserves: what its body names, what its type adds, and the limit that it counts towards. Throws VALIDATION_FAILED. The body's names are
 * judged first, so that an error points at what the caller wrote.
 */
export async function reservationOf(submit: SubmitBody, { definition, input, unitsOf }: Reserving): Promise<Resources> {
  const { exclusive = [], shared = [], counted = {} } = submit;
  const own = canonicalResources({ exclusive, shared, counted });
  const { counted: units = [], ...names } = definition?.resources ? withThoseOf(definition, input, submit) : own;
  if (unitsOf && units.length > 0) refuseTooMany(units, await unitsOf(units.map(({ name }) => name)), own.counted ?? []);
  const limit = limitFor(submit, definition, input);
  const all = limit ? [...units, limit] : units;
  return { ...names, ...(all.length > 0 && { counted: all }) };
}

function withThoseOf(definition: TaskDefinition, input: unknown, submit: SubmitBody): Resources {
  const all = resourcesOf(definition, input, submit);
  try {
    return canonicalResources(all);
  } catch (error) {
    if (!(error instanceof InterlockError)) throw error;
    const { detail, reason } = error.errors[0] ?? { detail: error.message };
    throw invalid('/kwargs', `the resources that the task type "${definition.name}" adds are refused: ${detail}`, reason);
  }
}

/** What could never be granted as things are. */
function refuseTooMany(wanted: readonly Counted[], declared: ReadonlyMap<string, number>, own: readonly Counted[]): void {
  for (const { name, units } of wanted) {
    const there = declared.get(name);
    const pointer = own.some(each => each.name === name) ? pointerTo('counted', name) : '/kwargs';
    if (there === undefined) {
      const remedy = `declare it first: interlock resource capacity ${JSON.stringify(name)} UNITS`;
      throw invalid(pointer, `nobody has declared how many units of "${name}" there are; ${remedy}`, 'not_declared');
    }
    if (units > there)
      throw invalid(pointer, `${units} units of "${name}" are more than the ${there} that there are`, 'too_many');
  }
}

/** The key is prefixed by nothing of the type's: it holds for the whole deployment. */
function limitFor(submit: SubmitBody, definition: TaskDefinition | undefined, input: unknown): Counted | undefined {
  const wish = submit.concurrency ?? (definition && concurrencyOf(definition, input));
  if (!wish) return undefined;
  const [error] = errorsIn({ name: submit.name, concurrency: wish });
  if (error) {
    const detail = `the concurrency limit of the task type "${submit.name}" is not valid: ${error.detail}`;
    throw invalid('/concurrency', detail, error.reason);
  }
  return limitOf(wish.key, wish.max);
}
