import { invalid } from '../core/errors.js';
import type { ConcurrencyWish } from '../core/submit-body.js';
import type { TaskDefinition } from './definition.js';

/** The limit that a type sets for a task with this checked input. Throws VALIDATION_FAILED when its own function throws. */
export function concurrencyOf({ name, concurrency }: TaskDefinition, input: unknown): ConcurrencyWish | undefined {
  if (concurrency === undefined) return undefined;
  if (typeof concurrency === 'number') return { key: name, max: concurrency };
  const { key, max } = concurrency;
  if (typeof key !== 'function') return { key, max };
  try {
    return { key: key(input as never), max };
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    throw invalid('/kwargs', `the concurrency key of "${name}" cannot be computed from this input: ${why}`, 'concurrency');
  }
}
