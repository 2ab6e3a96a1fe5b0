import { invalid } from '../core/errors.js';
import type { TaskDefinition } from './definition.js';

/** Under which key a type wants a task with this checked input to be limited. Throws VALIDATION_FAILED when its own function throws. */
export function rateKeyOf(definition: TaskDefinition, input: unknown): string | undefined {
  const { rateKey } = definition;
  if (typeof rateKey !== 'function') return rateKey;
  try {
    return rateKey(input as never);
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    throw invalid('/kwargs', `the rate key of "${definition.name}" cannot be computed from this input: ${why}`, 'rate');
  }
}
