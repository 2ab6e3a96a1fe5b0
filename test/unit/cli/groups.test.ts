import { writeFileSync } from 'node:fs';
import { join } from 'node:path';

import { expect } from 'chai';

import { cliUnderTest } from '../../support/cli-against.js';
import type { Answer, Heard } from '../../support/scripted-api.js';

const counts = { waiting: 0, running: 0, canceling: 0, completed: 0, failed: 0, canceled: 0, skipped: 0 };
const group = (more: Partial<typeof counts> = {}): object => {
  const all = { ...counts, ...more };
  const total = Object.values(all).reduce((sum, n) => sum + n, 0);
  const done = all.completed + all.failed + all.canceled + all.skipped;
  return { id: 'g-1', name: 'nightly', kind: 'group', createdAt: '2026-01-01T00:00:00.000Z', counts: all, total, done };
};

describe('The command line of groups, workflows and queues', function () {
  this.timeout(60_000);
  const cli = cliUnderTest();
  const { against } = cli;

  it('lists, shows and makes groups', async () => {
    const asked: [string[], object, object][] = [
      [
        ['group', 'list', '--limit', '3'],
        { items: [group()], next: null },
        { method: 'GET', path: '/api/v1/task-groups?limit=3' },
      ],
      [['group', 'show', 'g-1'], group(), { method: 'GET', path: '/api/v1/task-groups/g-1' }],
      [['group', 'create', 'nightly'], group(), { method: 'POST', path: '/api/v1/task-groups', body: { name: 'nightly' } }],
      [['queue', 'list'], { items: [] }, { method: 'GET', path: '/api/v1/queues' }],
    ];
    for (const [command, body, heard] of asked) {
      const { code, stdout, stderr } = await against(() => ({ body }), ...command);
      expect(code, stderr).to.equal(0);
      expect(JSON.parse(stdout)).to.deep.equal(body);
      expect(cli.api.heard).to.have.length(1);
      expect(cli.api.heard[0]).to.deep.include(heard);
      await cli.api.close();
    }
  });

  it('cancels what is open of a group only with --yes where nobody can be asked', async () => {
    const answer = ({ method }: Heard): Answer => ({
      status: method === 'POST' ? 202 : 200,
      body: group({ running: 2, completed: 1 }),
    });
    const refused = await against(answer, 'group', 'cancel', 'g-1');
    expect(refused.code).to.equal(2);
    expect(refused.stderr).to.match(/cancel 2 tasks of nightly.*--yes/);
    expect(cli.api.heard.every(({ method }) => method === 'GET')).to.equal(true);
    await cli.api.close();
    expect(await against(answer, 'group', 'cancel', 'g-1', '--yes')).to.include({ code: 0 });
    expect(cli.api.heard.at(-1)).to.include({ method: 'POST', path: '/api/v1/task-groups/g-1/cancel' });
  });

  it('submits a workflow from a file, and ends as its members do', async () => {
    const body = { name: 'nightly', tasks: { a: { name: 't.a' }, b: { name: 't.b', after: ['a'] } } };
    const file = join(cli.folder, 'nightly.json');
    writeFileSync(file, JSON.stringify(body));
    const answering =
      (end: object) =>
      ({ method }: Heard): Answer =>
        method === 'POST'
          ? { status: 202, body: { group: group(), members: { a: { id: 't-1' }, b: { id: 't-2' } } } }
          : { body: end };
    const submitted = await against(answering(group()), 'workflow', 'run', `@${file}`);
    expect([submitted.code, JSON.parse(submitted.stdout)]).to.deep.equal([0, { id: 'g-1', members: { a: 't-1', b: 't-2' } }]);
    expect(cli.api.heard[0]).to.deep.include({ method: 'POST', path: '/api/v1/workflows', body });
    await cli.api.close();
    const ends: [object, number][] = [
      [group({ completed: 2 }), 0],
      [group({ failed: 1, skipped: 1 }), 3],
      [group({ completed: 1, canceled: 1 }), 4],
    ];
    for (const [end, code] of ends) {
      const ended = await against(answering(end), 'workflow', 'run', JSON.stringify(body), '--wait');
      expect(ended.code, ended.stderr).to.equal(code);
      expect(JSON.parse(ended.stdout)).to.deep.equal(end);
      await cli.api.close();
    }
    const late = await against(answering(group({ running: 1 })), 'workflow', 'run', `@${file}`, '--wait', '--timeout', '0.2');
    expect(late.code).to.equal(5);
  });

  it('asks before it removes a schedule, ends all workers or deletes tasks', async () => {
    const list = { items: [{ id: 's-1', name: 'nightly' }], next: null, prev: null };
    for (const command of [
      ['schedule', 'rm', 'nightly'],
      ['workers', 'shutdown', '--all'],
      ['task', 'purge', '--state', 'failed'],
    ]) {
      const { code, stderr } = await against(() => ({ body: list }), ...command);
      expect(code, stderr).to.equal(2);
      expect(stderr).to.include('--yes');
      expect(cli.api.heard.every(({ method }) => method === 'GET')).to.equal(true);
      await cli.api.close();
    }
  });
});
