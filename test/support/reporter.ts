import { writeFileSync } from 'node:fs';

import Mocha from 'mocha';

/** Mocha's own report, ended by `N passed, N failed`; the numbers also go to the file that INTERLOCK_TEST_COUNTS names. */
export default class Reporter extends Mocha.reporters.Spec {
  constructor(runner: Mocha.Runner, options?: Mocha.MochaOptions) {
    super(runner, options);
    // Not by the signal itself, which would skip those who end what the tests have started. (The command passes SIGINT on as both.)
    process.once('SIGTERM', () => process.exit(143));
    runner.once('end', () => {
      const { passes: passed, failures: failed } = this.stats;
      const file = process.env.INTERLOCK_TEST_COUNTS;
      if (file !== undefined) writeFileSync(file, JSON.stringify({ passed, failed }));
      process.stdout.write(`${passed} passed, ${failed} failed\n`);
    });
  }
}
