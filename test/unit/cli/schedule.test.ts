import { expect } from 'chai';

import { cliUnderTest } from '../../support/cli-against.js';
import type { Answer, Heard } from '../../support/scripted-api.js';

describe('The command line of schedules', function () {
  this.timeout(60_000);
  const cli = cliUnderTest();
  const { against } = cli;

  it('ends a schedule by its name', async () => {
    const list = { items: [{ id: 's-1', name: 'nightly' }], next: null, prev: null };
    const answer = ({ method }: Heard): Answer => (method === 'DELETE' ? { status: 204 } : { body: list });
    expect(await against(answer, 'schedule', 'rm', 'nightly', '--yes')).to.include({ code: 0 });
    expect(cli.api.heard.at(-1)).to.include({ method: 'DELETE', path: '/api/v1/schedules/s-1' });
    await cli.api.close();
    expect(await against(answer, 'schedule', 'rm', 'other')).to.include({ code: 1 });
  });

  it('changes, pauses, resumes, runs and previews a schedule by its name, also on a later page', async () => {
    const first = { items: [{ id: 's-0', name: 'other' }], next: '/api/v1/schedules?after=s-0', prev: null };
    const second = { items: [{ id: 's-1', name: 'nightly', revision: 4 }], next: null, prev: null };
    const answer = ({ method, path }: Heard): Answer =>
      method === 'GET' && !path.includes('/next') ? { body: path.includes('after') ? second : first } : { body: { items: [] } };
    const asked: [string[], object][] = [
      [
        ['edit', 'nightly', '--cron', '@daily', '--timezone', 'UTC', '--remaining-runs', 'none'],
        { method: 'PATCH', path: '/api/v1/schedules/s-1' },
      ],
      [['pause', 'nightly', '--reason', 'why'], { method: 'POST', path: '/api/v1/schedules/s-1/pause', body: { reason: 'why' } }],
      [['resume', 'nightly'], { method: 'POST', path: '/api/v1/schedules/s-1/resume' }],
      [['run', 'nightly'], { method: 'POST', path: '/api/v1/schedules/s-1/run' }],
      [['next', 'nightly', '--count', '3'], { method: 'GET', path: '/api/v1/schedules/s-1/next?count=3' }],
    ];
    for (const [command, expected] of asked) {
      expect(await against(answer, 'schedule', ...command), command.join(' ')).to.include({ code: 0 });
      expect(cli.api.heard.at(-1)).to.deep.include(expected);
      if (command[0] === 'edit') {
        expect(cli.api.heard.at(-1)?.body).to.deep.equal({ cron: '@daily', timezone: 'UTC', remainingRuns: null });
        expect(cli.api.heard.at(-1)?.headers['if-match']).to.equal('"4"');
      }
      await cli.api.close();
    }
    expect(await against(answer, 'schedule', 'edit', 'nightly')).to.include({ code: 2 });
  });

  it('makes a schedule of cron, with all it can have', async () => {
    await against(
      () => ({ status: 201, body: { id: 's-1', name: 'n' } }),
      ...['schedule', 'add', 'n', 't.add', '--cron', '0 2 * * *', '--timezone', 'Europe/Berlin', '--misfire', 'skip'],
      ...['--overlap', 'cancel', '--failure-threshold', '3', '--remaining-runs', '9'],
    );
    expect(cli.api.heard[0]!.body).to.deep.equal({
      ...{ name: 'n', task: { name: 't.add' }, cron: '0 2 * * *', timezone: 'Europe/Berlin', misfire: 'skip' },
      ...{ overlap: 'cancel', failureThreshold: 3, remainingRuns: 9 },
    });
  });

  it('makes a schedule of a task and an interval', async () => {
    await against(
      () => ({ status: 201, body: { id: 's-1', name: 'n' } }),
      ...['schedule', 'add', 'n', 't.add', '--every', '60', '--args', '[1]'],
    );
    expect(cli.api.heard[0]!.body).to.deep.equal({ name: 'n', task: { name: 't.add', args: [1] }, interval: 60 });
  });
});
