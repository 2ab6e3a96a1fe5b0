import type { OnWorkerLoss } from '../core/task.js';
import type { ResourceLike } from './definition.js';

/** Options of one submission, as in the submit body. `eta` is a time, `countdown` and `expires` seconds from now or a time. */
export interface SubmitOptions {
  exclusive?: ResourceLike[];
  shared?: ResourceLike[];
  queue?: string;
  priority?: number;
  eta?: Date | string;
  countdown?: number;
  expires?: number | Date | string;
  maxAttempts?: number;
  onWorkerLoss?: OnWorkerLoss;
  tags?: string[];
}
