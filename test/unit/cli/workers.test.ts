import { expect } from 'chai';

import { cliUnderTest } from '../../support/cli-against.js';
import { interlock } from '../../support/command.js';

describe('The command line, for workers', function () {
  this.timeout(60_000);
  const cli = cliUnderTest();
  const { against } = cli;

  it('steers them, tells who has not answered, and ends with 5 where somebody has not', async () => {
    const done = await against(
      () => ({ status: 202, body: { asked: 2, answered: 2, silent: [] } }),
      'workers',
      'pause',
      'a',
      'b',
    );
    expect([done.code, JSON.parse(done.stdout)]).to.deep.equal([0, { asked: 2, answered: 2, silent: [] }]);
    expect(cli.api.heard[0]).to.deep.include({ body: { action: 'pause', names: ['a', 'b'] } });
    expect(cli.api.heard[0]!.headers).to.include({ prefer: 'wait=12' });
    await cli.api.close();
    const silent = { asked: 4, answered: 3, silent: ['w4'] };
    const late = await against(
      () => ({ status: 202, body: silent }),
      ...['workers', 'pool', 'grow', '3', '--all', '--wait', '2'],
    );
    expect(late.code, late.stderr).to.equal(5);
    expect(cli.api.heard[0]).to.deep.include({ body: { action: 'pool', grow: 3 } });
    await cli.api.close();
    const unwaited = await against(
      () => ({ status: 202, body: silent }),
      'workers',
      'shutdown',
      'w',
      '--stage',
      'cold',
      '--no-wait',
    );
    expect(unwaited.code).to.equal(0);
    expect(cli.api.heard[0]).to.deep.include({ body: { action: 'shutdown', names: ['w'], stage: 'cold' } });
    expect(cli.api.heard[0]!.headers).to.not.have.property('prefer');
    for (const args of [['pause'], ['pause', 'a', '--all'], ['pool', 'grow', '0', 'a'], ['shutdown', 'a', '--stage', 'hot']])
      expect((await interlock(['workers', ...args], { cwd: cli.folder })).code, args.join(' ')).to.equal(2);
    expect((await interlock(['workers', '--help'], { cwd: cli.folder })).stdout).to.include('interlock workers drain');
  });
});
