import { InterlockError } from '../../../core/errors.js';
import type { TaskError } from '../../../core/task.js';
import { callHandler, errorOf, outcomeOfReturn } from '../../../tasks/body.js';
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
  try {
    const definition = registry.get(run.facts.name);
    if (!definition) return { kind: 'failed', error: unknownType(run.facts.name) };
    const value = await call(definition, run);
    return outcomeOfReturn(value, resultLimitBytes) as ChildOutcome;
  } catch (error) {
    return run.aborted ? { kind: 'canceled' } : { kind: 'failed', error: describe(error) };
  } finally {
    run.close();
  }
}

async function call(definition: TaskDefinition, run: BodyRun): Promise<unknown> {
  const { args, kwargs } = run.facts;
  // Again: the type may have changed since the task was submitted.
  const checked = await checkInput(definition, args, kwargs);
  return callHandler(definition, checked, createContext(run.facts, run), run.submit);
}

function describe(error: unknown): TaskError {
  if (!(error instanceof InterlockError) || error.code !== 'VALIDATION_FAILED') return errorOf(error);
  return { code: error.code, message: error.message }; // where in our code it was found helps nobody
}

function unknownType(name: string): TaskError {
  const message = `No task type "${name}" is loaded by this worker; INTERLOCK_TASK_MODULES names what it loads.`;
  return { code: 'UNKNOWN_TASK_TYPE', message };
}
