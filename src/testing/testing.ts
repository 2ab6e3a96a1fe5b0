/** What `import … from 'interlock/testing'` gives. */
import { Lab } from './lab.js';
import type { LabOptions } from './parts-of.js';

export { LabError } from './errors.js';
export type { GroupCounts, Lab, LabWorkflow, TaskRef } from './lab.js';
export type { LabOptions } from './parts-of.js';
export type { LabSubmitOptions, ScheduleWish } from './submitting.js';

/**
 * A deployment in this process, on virtual time, for tests of workflows, schedules, retries and reservations: task bodies run as they are, and everything
 * around them follows the rules of the product. No servers, no timers. Throws TypeError and RangeError for bad options, TaskModuleError for task types
 * that cannot be loaded together.
 */
export function createLab(options: LabOptions = {}): Lab {
  return new Lab(options);
}
