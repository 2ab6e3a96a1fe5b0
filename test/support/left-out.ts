/** One list a process, however often this module is loaded: by the tests, and by the reporter in front of them. */
const shared = globalThis as { interlockLeftOut?: string[] };

/** Tests that this machine cannot run, each with the reason. Mocha's own `skip` is forbidden: nobody would know why. */
export const leftOut = (shared.interlockLeftOut ??= []);

export function leaveOut(suite: Mocha.Suite, reason: string): void {
  suite.eachTest(test => void leftOut.push(`${test.fullTitle()} [${reason}]`));
  const { parent } = suite;
  if (parent) parent.suites = parent.suites.filter(each => each !== suite);
}
