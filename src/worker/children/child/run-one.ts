import { InterlockError } from '../../../core/errors.js';
import type { TaskError } from '../../../core/task.js';
import { callHandler, outcomeOfReturn, outcomeOfThrow } from '../../../tasks/body.js';
import type { SoftTimeLimit } from '../../../tasks/context.js';
import type { TaskDefinition } from '../../../tasks/definition.js';
import { checkInput } from '../../../tasks/input.js';
import type { Registry } from '../../../tasks/registry.js';
import { createContext, type TaskFacts, type TaskHost } from '../../../tasks/run-context.js';
import type { ChildOutcome } from '../from-child.js';

/** One body that is to run. */
export interface Body extends TaskHost {
  readonly facts: TaskFacts;
  /** It was asked to end. */
  readonly aborted: boolean;
  /** Its soft limit has passed, and nothing asked it to end before that. */
  readonly overtime: SoftTimeLimit | undefined;
  /** What it still does is dropped. */
  close(): void;
}

export interface Loaded {
  registry: Registry;
  resultLimitBytes: number;
}

/** Runs one body to its end, which closes it. Never rejects: whatever task code does is an outcome. */
export async function runOne(run: Body, { registry, resultLimitBytes }: Loaded): Promise<ChildOutcome> {
  const definition = registry.get(run.facts.name);
  try {
    if (!definition || (definition.version ?? 0) < (run.facts.version ?? 0)) return { kind: 'unfamiliar' };
    const value = await call(definition, run);
    return outcomeOfReturn(value, resultLimitBytes) as ChildOutcome;
  } catch (error) {
    return outcomeOf(error, run, definition);
  } finally {
    run.close();
  }
}

/** A body that was asked to end, and throws, ends for that reason. */
function outcomeOf(thrown: unknown, run: Body, definition: TaskDefinition | undefined): ChildOutcome {
  if (run.overtime) return { kind: 'failed', error: describe(run.overtime), reason: 'timeout' };
  if (run.aborted) return { kind: 'canceled' };
  if (isInvalidInput(thrown)) return { kind: 'failed', error: describe(thrown), again: 'never' };
  return outcomeOfThrow(thrown, definition ?? {}) as ChildOutcome;
}

async function call(definition: TaskDefinition, run: Body): Promise<unknown> {
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
