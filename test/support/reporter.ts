import { writeFileSync } from 'node:fs';
import { basename } from 'node:path';

import Mocha from 'mocha';

import { leftOut } from './left-out.js';

/**
 * Mocha's own report, ended by `N passed, N failed`; the numbers also go to the file that INTERLOCK_TEST_COUNTS names, with each failed
 * test in a line and what it said, each one that could not be run here, and how long each file took.
 */
export default class Reporter extends Mocha.reporters.Spec {
  constructor(runner: Mocha.Runner, options?: Mocha.MochaOptions) {
    super(runner, options);
    // Not by the signal itself, which would skip those who end what the tests have started. (The command passes SIGINT on as both, SIGINT first.)
    process.once('SIGINT', () => process.exit(130));
    process.once('SIGTERM', () => process.exit(143));
    const failures: { title: string; said: string }[] = [];
    runner.on('fail', (test, error: unknown) => {
      failures.push({ title: test.fullTitle(), said: error instanceof Error ? (error.stack ?? error.message) : String(error) });
    });
    const tookMs: Record<string, number> = {};
    let lookedAt = performance.now();
    runner.on('suite end', ({ file }: Mocha.Suite) => {
      const now = performance.now();
      if (file !== undefined) tookMs[basename(file, '.test.ts')] = (tookMs[basename(file, '.test.ts')] ?? 0) + now - lookedAt;
      lookedAt = now;
    });
    runner.once('end', () => {
      const { passes: passed, failures: failed } = this.stats;
      const file = process.env.INTERLOCK_TEST_COUNTS;
      if (file !== undefined) writeFileSync(file, JSON.stringify({ passed, failed, failures, pending: leftOut, tookMs }));
      for (const title of leftOut) process.stdout.write(`PENDING  ${title}\n`);
      process.stdout.write(`${passed} passed, ${failed} failed\n`);
    });
  }
}
