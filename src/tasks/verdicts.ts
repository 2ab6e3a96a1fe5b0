import { MAX_SECONDS } from '../core/submit-body.js';

/** By a name and not by its class: a task module may have been loaded with another copy of the package. */
const VERDICT = Symbol.for('interlock.verdict');
type Verdict = 'retry-later' | 'fatal' | 'skip';

/** Thrown by a body: start it again after `seconds`, as long as starts are left, whatever its retry policy says. */
export class RetryLater extends Error {
  readonly [VERDICT]: Verdict = 'retry-later';
  readonly seconds: number;

  /** Throws RangeError for what is no number of seconds from 0 to ten years. */
  constructor(seconds: number, message = 'The task asks to be started again later.', options?: ErrorOptions) {
    super(message, options);
    if (!(seconds >= 0 && seconds <= MAX_SECONDS))
      throw new RangeError(`RetryLater: ${seconds} is no number of seconds from 0 to ${MAX_SECONDS}.`);
    this.name = 'RetryLater';
    this.seconds = seconds;
  }
}

/** Thrown by a body: it has failed for good, however many starts are left. */
export class Fatal extends Error {
  readonly [VERDICT]: Verdict = 'fatal';

  constructor(message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = 'Fatal';
  }
}

/** Thrown by a body: there is nothing to do. The task ends as `skipped`, with this message. */
export class Skip extends Error {
  readonly [VERDICT]: Verdict = 'skip';

  constructor(message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = 'Skip';
  }
}

/** What a thrown value says beyond that the body has failed. */
export function verdictOf(thrown: unknown): { kind: 'retry-later'; seconds: number } | { kind: 'fatal' | 'skip' } | undefined {
  if (typeof thrown !== 'object' || thrown === null) return undefined;
  const { [VERDICT]: kind, seconds } = thrown as { [VERDICT]?: Verdict; seconds?: unknown };
  if (kind === 'retry-later') return { kind, seconds: typeof seconds === 'number' ? seconds : 0 };
  return kind === undefined ? undefined : { kind };
}
