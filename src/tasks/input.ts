import { InterlockError, invalid, type FieldError } from '../core/errors.js';
import type { Json, JsonObject } from '../core/json.js';
import { pointerTo } from '../core/pointer.js';
import { isStandardSchema, type StandardIssue, type StandardSchema, type TaskDefinition } from './definition.js';
import { compile, schemaErrors } from './json-schema.js';

/** A bad body of 1 MiB could hold a hundred thousand of them. */
const MAX_ERRORS = 20;

export interface CheckedInput {
  /** To be stored: what the caller gave. It is checked again where it runs, so a transform must not have been applied yet. */
  args: Json[];
  kwargs: JsonObject;
  /** What `resources` and the handler of a defined task get: with a Standard Schema its output (defaults and transforms applied). */
  input: unknown;
}

/** Throws VALIDATION_FAILED with pointers into the submit body (`/kwargs/url`), and for `args` given to a defined task. */
export async function checkInput(definition: TaskDefinition, args: Json[], kwargs: JsonObject): Promise<CheckedInput> {
  if (definition.plain) return { args, kwargs, input: kwargs };
  if (args.length > 0)
    throw invalid('/args', `the task "${definition.name}" takes its input by kwargs; args must be empty`, 'unexpected_args');
  const { input } = definition;
  if (input === undefined) return { args, kwargs, input: kwargs };
  if (isStandardSchema(input)) return { args, kwargs, input: await checkStandard(definition.name, input, kwargs) };
  const errors = schemaErrors(input, kwargs);
  if (errors.length > 0) throw failed(definition.name, errors);
  return { args, kwargs, input: kwargs };
}

/** What is wrong with the schema of a definition itself, or undefined. */
export function checkSchema(definition: TaskDefinition): string | undefined {
  const { input } = definition;
  if (input === undefined) return undefined;
  if (isStandardSchema(input)) {
    return typeof input['~standard'].validate === 'function' ? undefined : 'it has no "~standard".validate function';
  }
  try {
    compile(input);
    return undefined;
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
}

async function checkStandard(name: string, schema: StandardSchema, kwargs: JsonObject): Promise<unknown> {
  const result = await schema['~standard'].validate(structuredClone(kwargs)); // what is stored stays what was given
  if (result.issues === undefined) return result.value;
  throw failed(
    name,
    result.issues.map(issue => ({ pointer: pointerOf(issue), detail: issue.message })),
  );
}

function pointerOf(issue: StandardIssue): string {
  const keys = (issue.path ?? []).map(part => (typeof part === 'object' ? part.key : part));
  return pointerTo('kwargs', ...keys.map(String));
}

function failed(name: string, errors: FieldError[]): InterlockError {
  const [first] = errors;
  const more = errors.length > 1 ? ` (and ${errors.length - 1} more)` : '';
  const message = `The input of "${name}" is not valid: ${first?.pointer ?? '/kwargs'}: ${first?.detail ?? 'refused'}${more}`;
  return new InterlockError('VALIDATION_FAILED', message, { errors: errors.slice(0, MAX_ERRORS) });
}
