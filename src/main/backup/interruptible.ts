import { InterlockError } from '../../core/errors.js';

/** The first SIGINT or SIGTERM asks the work to end in order; a second one ends the process at once. */
export async function interruptible<T>(work: (signal: AbortSignal) => Promise<T>): Promise<T> {
  const asked = new AbortController();
  const ask = (signal: NodeJS.Signals): void => asked.abort(new InterlockError('CONFLICT', `Interrupted by ${signal}.`));
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, ask);
  try {
    return await work(asked.signal);
  } catch (error) {
    // What was cut short by it says so in its own words.
    throw asked.signal.aborted && !(error instanceof InterlockError) ? asked.signal.reason : error;
  } finally {
    for (const signal of ['SIGINT', 'SIGTERM'] as const) process.off(signal, ask);
  }
}
