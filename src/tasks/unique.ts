import { invalid } from '../core/errors.js';
import type { UniqueWish } from '../core/submit-body.js';
import type { TaskDefinition } from './definition.js';

/** What a type wants to be unique of a task with this checked input. Throws VALIDATION_FAILED when its own function throws. */
export function uniqueOf(definition: TaskDefinition, input: unknown): UniqueWish | undefined {
  const { unique } = definition;
  if (typeof unique !== 'function') return unique;
  try {
    return unique(input as never);
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    throw invalid('/kwargs', `the unique key of "${definition.name}" cannot be computed from this input: ${why}`, 'unique');
  }
}
