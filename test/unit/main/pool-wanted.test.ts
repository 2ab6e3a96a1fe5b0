import { expect } from 'chai';

import { ConfigError } from '../../../src/config/config-error.js';
import { poolWanted } from '../../../src/main/pool-wanted.js';

describe('The pool of a worker', () => {
  const settings = { pool: 'prefork', concurrency: 4 } as const;

  it('is what the settings say, unless the command line says otherwise', () => {
    expect(poolWanted(settings, {})).to.deep.equal({ kind: 'prefork', slots: 4 });
    expect(poolWanted(settings, { pool: 'async', concurrency: 2_000 })).to.deep.equal({ kind: 'async', slots: 2_000 });
    expect(poolWanted({ pool: 'async', concurrency: 1_000 }, { pool: 'prefork', concurrency: 2 })).to.deep.equal({
      kind: 'prefork',
      slots: 2,
    });
  });

  it('is refused where it would be a process for each of a thousand tasks', () => {
    const refusals = [
      () => poolWanted(settings, { concurrency: 513 }),
      () => poolWanted({ ...settings, concurrency: 1_000 }, {}),
    ];
    const [flag, setting] = refusals.map(ask => {
      try {
        return ask();
      } catch (error) {
        return error instanceof ConfigError ? error.problems : error;
      }
    });
    const problem = { key: 'worker.concurrency', source: '--concurrency' };
    const expected = 'processes are too many: expected at most 512, or the pool async';
    expect(flag).to.deep.equal([{ ...problem, detail: `513 ${expected}` }]);
    expect(setting).to.deep.equal([{ ...problem, source: 'the settings', detail: `1000 ${expected}` }]);
  });
});
