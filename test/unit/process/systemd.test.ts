import { expect } from 'chai';

import { watchdogMs } from '../../../src/process/systemd.js';

describe('The watchdog of systemd', () => {
  const cases: [what: string, env: NodeJS.ProcessEnv, ms: number][] = [
    ['asks nobody unless it is set', {}, 0],
    ['asks in microseconds', { WATCHDOG_USEC: '30000000' }, 30_000],
    ['asks the process that it names', { WATCHDOG_USEC: '30000000', WATCHDOG_PID: '7' }, 30_000],
    ['asks nobody else', { WATCHDOG_USEC: '30000000', WATCHDOG_PID: '8' }, 0],
    ['asks nobody in words', { WATCHDOG_USEC: 'soon' }, 0],
  ];
  for (const [what, env, ms] of cases) it(what, () => expect(watchdogMs(env, 7)).to.equal(ms));
});
