import { expect } from 'chai';

import { cliUnderTest } from '../../support/cli-against.js';
import { interlock } from '../../support/command.js';

describe('The command line, for cancel, retry and delete of tasks', function () {
  this.timeout(60_000);
  const cli = cliUnderTest();
  const { against } = cli;
  const none = { action: 'cancel', dryRun: false, count: 0, countCapped: false, kept: 0, problems: [], next: null };

  it('does it to one task', async () => {
    const retried = await against(() => ({ status: 202, body: { id: 'b', name: 'n', state: 'waiting' } }), 'task', 'retry', 'a');
    expect([retried.code, JSON.parse(retried.stdout)]).to.deep.equal([0, { id: 'b', name: 'n', state: 'waiting' }]);
    expect(cli.api.heard[0]).to.deep.include({ method: 'POST', path: '/api/v1/tasks/a/retry', body: {} });
    expect(cli.api.heard[0]!.headers['idempotency-key']).to.be.a('string');
    await cli.api.close();
    const deleted = await against(() => ({ status: 204 }), 'task', 'delete', 'a');
    expect([deleted.code, JSON.parse(deleted.stdout)]).to.deep.equal([0, { deleted: 'a' }]);
    expect(cli.api.heard[0]).to.include({ method: 'DELETE', path: '/api/v1/tasks/a' });
    await cli.api.close();
    const canceled = await against(() => ({ status: 202, body: { id: 'a' } }), 'task', 'cancel', 'a', '--tree');
    expect(canceled.code).to.equal(0);
    expect(cli.api.heard[0]).to.include({ method: 'POST', path: '/api/v1/tasks/a/cancel?tree=true' });
  });

  it('does it to all that match, request after request, and tells how many', async () => {
    const next = { action: 'retry', filter: { state: ['failed'] }, cursor: 'c' };
    const answers = [
      { ...none, count: 3, kept: 1, problems: [{ task: 'a', code: 'CONFLICT', detail: 'no' }], next },
      { ...none, count: 2 },
    ];
    const filter = ['--state', 'failed', '--tag', 'x', '--tag', 'y', '--created-before', '2026-01-31T12:00:00Z'];
    const done = await against(() => ({ status: 202, body: answers.shift() }), 'task', 'retry', ...filter, '--yes');
    expect(done.code, done.stderr).to.equal(0);
    expect(JSON.parse(done.stdout)).to.deep.include({ action: 'retry', dryRun: false, count: 5, kept: 1 });
    expect(cli.api.heard.map(({ body }) => body)).to.deep.equal([
      {
        action: 'retry',
        filter: { state: ['failed'], tag: ['x', 'y'], createdBefore: '2026-01-31T12:00:00.000Z' },
      },
      next,
    ]);
  });

  it('counts first: without --yes nothing is done, and that is an error unless it was asked for', async () => {
    const answer = { ...none, dryRun: true, count: 10_000, countCapped: true };
    const refused = await against(() => ({ body: answer }), 'task', 'cancel', '--queue', 'slow');
    expect([refused.code, refused.stdout]).to.deep.equal([2, '']);
    expect(refused.stderr).to.include('would cancel 10000 or more tasks').and.include('--yes');
    expect(cli.api.heard.map(({ body }) => body)).to.deep.equal([
      { action: 'cancel', filter: { queue: ['slow'] }, dryRun: true },
    ]);
    await cli.api.close();
    const counted = await against(() => ({ body: answer }), 'task', 'delete', '--queue', 'slow', '--dry-run');
    expect([counted.code, (JSON.parse(counted.stdout) as { count: number }).count]).to.deep.equal([0, 10_000]);
  });

  it('wants either an id or a filter', async () => {
    for (const args of [
      ['cancel'],
      ['cancel', 'a', '--queue', 'q'],
      ['cancel', 'a', '--yes'],
      ['cancel', '--tree', '--queue', 'q'],
      ['retry', '--yes'],
      ['retry', '--queue', 'q', '--idempotency-key', 'k'],
      ['delete', '--finished-before', 'soon'],
    ])
      expect((await interlock(['task', ...args], { cwd: cli.folder })).code, args.join(' ')).to.equal(2);
    expect((await interlock(['task', 'retry', '--help'], { cwd: cli.folder })).stdout).to.include('interlock task retry ID');
  });
});
