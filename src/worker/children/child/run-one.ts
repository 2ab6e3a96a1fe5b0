import { InterlockError } from '../../../core/errors.js';
import type { TaskError } from '../../../core/task.js';
import { callHandler, outcomeOfReturn, outcomeOfThrow } from '../../../tasks/body.js';
import type { TaskDefinition } from '../../../tasks/definition.js';
import { checkInput } from '../../../tasks/input.js';
import type { Registry } from '../../../tasks/registry.js';
import { createContext } from '../../../tasks/run-context.js';
import type { ChildOutcome } from '../from-child.js';
import type { BodyRun } from './body-run.js';

export interface Loaded {
  registry: Registry;
  resultLimitBytes: number;
}

/** Runs one body to its end, which closes it. Never rejects: whatever task code does is an outcome. */
export async function runOne(run: BodyRun, { registry, resultLimitBytes }: Loaded): Promise<ChildOutcome> {
  const definition = registry.get(run.facts.name);
  try {
    if (!definition) return { kind: 'failed', error: unknownType(run.facts.name), again: 'never' };
    const value = await call(definition, run);
    return outcomeOfReturn(value, resultLimitBytes) as ChildOutcome;
  } catch (error) {
    return outcomeOf(error, run, definition);
  } finally {
    run.close();
  }
}

/** A body that was asked to end, and throws, ends for that reason. */
function outcomeOf(thrown: unknown, run: BodyRun, definition: TaskDefinition | undefined): ChildOutcome {
  if (run.overtime) return { kind: 'failed', error: describe(run.overtime), reason: 'timeout' };
  if (run.aborted) return { kind: 'canceled' };
  if (isInvalidInput(thrown)) return { kind: 'failed', error: describe(thrown), again: 'never' };
  return outcomeOfThrow(thrown, definition ?? {}) as ChildOutcome;
}

async function call(definition: TaskDefinition, run: BodyRun): Promise<unknown> {
  const { args, kwargs } = run.facts;
  // Again: the type may have changed since the task was submitted.
  const checked = await checkInput(definition, args, kwargs);
  return callHandler(definition, checked, createContext(run.facts, run), run.submit);
}

/** Where in our code it was found helps nobody. */
function describe({ code, message }: { code: string; message: string }): TaskError {
  return { code, message };
}

function isInvalidInput(thrown: unknown): thrown is InterlockError {
  return thrown instanceof InterlockError && thrown.code === 'VALIDATION_FAILED';
}

function unknownType(name: string): TaskError {
  const message = `No task type "${name}" is loaded by this worker; INTERLOCK_TASK_MODULES names what it loads.`;
  return { code: 'UNKNOWN_TASK_TYPE', message };
}
