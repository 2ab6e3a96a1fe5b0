import { InterlockError } from '../../../core/errors.js';
import type { TaskError } from '../../../core/task.js';
import { callHandler, errorOf, outcomeOfReturn } from '../../../tasks/body.js';
import type { TaskDefinition } from '../../../tasks/definition.js';
import { checkInput } from '../../../tasks/input.js';
import type { Registry } from '../../../tasks/registry.js';
import { createContext, type TaskFacts } from '../../../tasks/run-context.js';
import type { ChildOutcome } from '../from-child.js';
import { childLog } from './child-log.js';
import { Reports } from './reports.js';
import type { Supervisor } from './supervisor.js';

export interface RunOneDeps {
  registry: Registry;
  supervisor: Supervisor;
  signal: AbortSignal;
  resultLimitBytes: number;
}

/** Runs one body to its end. Never rejects: whatever task code does is an outcome. */
export async function runOne(facts: TaskFacts, deps: RunOneDeps): Promise<ChildOutcome> {
  const definition = deps.registry.get(facts.name);
  if (!definition) return { kind: 'failed', error: unknownType(facts.name) };
  const reports = new Reports(report => deps.supervisor.send(report));
  try {
    const value = await call(definition, facts, reports, deps);
    return outcomeOfReturn(value, deps.resultLimitBytes) as ChildOutcome;
  } catch (error) {
    return deps.signal.aborted ? { kind: 'canceled' } : { kind: 'failed', error: describe(error) };
  } finally {
    reports.close();
  }
}

async function call(definition: TaskDefinition, facts: TaskFacts, reports: Reports, deps: RunOneDeps): Promise<unknown> {
  const { supervisor, signal } = deps;
  const submit = async (body: Record<string, unknown>): Promise<{ id: string }> =>
    (await supervisor.ask({ kind: 'spawn', body })) as { id: string };
  const context = createContext(facts, {
    progress: reports.progress,
    signal,
    log: childLog(line => supervisor.send(line)),
    submit,
    service: (name, input) => supervisor.ask({ kind: 'service', name, input }),
  });
  // Again: the type may have changed since the task was submitted.
  const checked = await checkInput(definition, facts.args, facts.kwargs);
  return callHandler(definition, checked, context, submit);
}

function describe(error: unknown): TaskError {
  if (!(error instanceof InterlockError) || error.code !== 'VALIDATION_FAILED') return errorOf(error);
  return { code: error.code, message: error.message }; // where in our code it was found helps nobody
}

function unknownType(name: string): TaskError {
  const message = `No task type "${name}" is loaded by this worker; INTERLOCK_TASK_MODULES names what it loads.`;
  return { code: 'UNKNOWN_TASK_TYPE', message };
}
