/** A process of its own that loads the task modules and ends: 0 when they can be loaded, else 1 with what is wrong on standard error. */
import { ConfigError } from '../../config/config-error.js';
import { loadConfig } from '../../config/load.js';
import { loadTypes } from '../task-modules.js';

try {
  await loadTypes(loadConfig().config);
  process.exit(0); // a module may hold timers or connections
} catch (error) {
  const problems = error instanceof ConfigError ? error.problems.map(({ detail }) => detail) : [String(error)];
  process.stderr.write(`${problems.join('; ')}\n`, () => process.exit(1));
}
