import type { SubmitOptions } from '../core/submit-body.js';
import { isFinal, type FinalState, type State } from '../core/state.js';
import type { EndReason, TaskError } from '../core/task.js';
import type { Json } from '../core/json.js';

/** What may be said of a child beside its input. */
export interface SpawnOptions extends SubmitOptions {
  /**
   * What this task reserves is no obstacle to the child: it has it before everybody who waits, and keeps others out until it has ended itself, also when
   * this task ends first. Refused (CONFLICT, reason `no_lender`) where this task reserves nothing.
   */
  underParent?: boolean;
}

export interface ResultOptions {
  /** Ends the wait, not the child: the promise rejects with the signal's reason. */
  signal?: AbortSignal;
}

/** How a task ended that somebody waited for. */
export interface ChildOutcome {
  id: string;
  name: string;
  state: State;
  result?: Json;
  error?: TaskError;
  reason?: EndReason;
  /** The last fence that it had. */
  fence?: number;
}

/** A task that was waited for ended otherwise than by completing. */
export class ChildFailed extends Error {
  readonly code = 'CHILD_FAILED';
  /** The child's id and type, and how it ended. */
  readonly task: { readonly id: string; readonly name: string; readonly state: Exclude<FinalState, 'completed'> };
  /** Why, where its end has a reason beyond its error: `user`, `worker-lost`, `timeout`, … */
  readonly reason: EndReason | undefined;
  /** What it failed with, or was skipped for. */
  readonly error: TaskError | undefined;

  constructor({ id, name, state, reason, error }: ChildOutcome) {
    super(
      `The task ${id} (${name}) is ${state}${reason ? ` (${reason})` : ''}${error ? `: ${error.code}: ${error.message}` : '.'}`,
    );
    this.name = 'ChildFailed';
    this.task = { id, name, state: state as Exclude<FinalState, 'completed'> };
    this.reason = reason;
    this.error = error;
  }
}

/** Resolves with how a task has ended. Rejects with InterlockError, or with the reason of a signal. */
export type OutcomeOf = (id: string, signal: AbortSignal | undefined) => Promise<ChildOutcome>;

/** A task that the running one has spawned. */
export class ChildTask<Result = unknown> {
  readonly id: string;
  readonly #outcomeOf: OutcomeOf;

  constructor(id: string, outcomeOf: OutcomeOf) {
    this.id = id;
    this.#outcomeOf = outcomeOf;
  }

  /**
   * Waits for its end, and resolves with what it returned. Meanwhile the running task has no slot: another one may run there. Rejects with ChildFailed when it
   * ended otherwise; with InterlockError `CONFLICT` (reason `cycle`) when it can never end before the running task does, `OVERLOADED` when too many
   * tasks of this worker wait already, `MISSING_RESOURCE` when its record is gone; and with the reason of a signal, `ctx.signal` among them.
   */
  async result({ signal }: ResultOptions = {}): Promise<Result> {
    const outcome = await this.#outcomeOf(this.id, signal);
    if (!isFinal(outcome.state)) throw new Error(`The task ${this.id} has not ended: it is ${outcome.state}.`);
    if (outcome.state !== 'completed') throw new ChildFailed(outcome);
    return (outcome.result ?? null) as Result;
  }
}
