import { expect } from 'chai';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';

import type { ScheduleView } from '../../src/client/views.js';
import { Deployment, TEST_TASKS, type Role } from '../support/deployment.js';
import { commandLines, commandsOf } from '../support/page-commands.js';
import { until } from '../support/wait.js';

const PAGE = readFileSync(new URL('../../docs/schedules.md', import.meta.url), 'utf8');

interface Run {
  _id: string;
  state: string;
  createdAt: Date;
  finishedAt?: Date;
  schedule: { slot: Date };
}

describe('schedules', function () {
  this.timeout(240_000);
  let deployment: Deployment;
  let beat: Role;

  before(async () => {
    const taskModules = ['evidence.ts', 'basic.ts', 'calculator.ts'].map(file => join(TEST_TASKS, file));
    deployment = await Deployment.create({ taskModules });
    beat = (await deployment.startAll()).beat;
  });
  after(() => deployment.destroy());

  async function add(body: object): Promise<string> {
    const { status, body: made } = await deployment.request<{ id: string }>('POST', '/api/v1/schedules', body);
    expect(status, JSON.stringify(made)).to.equal(201);
    return made.id;
  }

  async function read(id: string): Promise<ScheduleView> {
    return (await deployment.request<ScheduleView>('GET', `/api/v1/schedules/${id}`)).body;
  }

  function runs(id: string): Promise<Run[]> {
    return deployment.db.collection<Run>('tasks').find({ 'schedule.id': id }).sort({ 'schedule.slot': 1 }).toArray();
  }

  it('do what their page says, command for command', async () => {
    const answers = new Map<string, Record<string, unknown>>();
    for (const line of commandsOf('docs/schedules.md', import.meta.url).flatMap(commandLines)) {
      const words = [...line.matchAll(/'([^']*)'|(\S+)/g)].map(([, quoted, word]) => quoted ?? word ?? '');
      const { code, stdout, stderr } = await deployment.cli(...words.slice(1));
      expect(code, `${line}: ${stderr}`).to.equal(0);
      answers.set(words.slice(2, 4).join(' '), JSON.parse(stdout) as Record<string, unknown>);
    }
    expect(answers.get('edit nightly')).to.deep.include({ cron: '45 2 * * MON-FRI', timezone: 'Europe/Berlin', revision: 2 });
    expect(answers.get('pause nightly')).to.deep.include({ state: 'paused', nextAt: null });
    expect(answers.get('resume nightly')).to.deep.include({ state: 'active', failureThreshold: null, overlap: 'skip' });
    expect(answers.get('next nightly')).to.have.property('items').with.length(3);
    expect(await deployment.final(answers.get('run nightly')!.id as string)).to.include({ state: 'completed', result: 3 });
    const [, json = ''] = /```json\n([\s\S]*?)```/.exec(PAGE) ?? [];
    const weekly = await read(await add(JSON.parse(json) as object));
    expect(weekly).to.deep.include({ cron: '0 4 * * SUN', timezone: 'America/New_York', remainingRuns: 52, state: 'active' });
    const left = (await deployment.request<{ items: ScheduleView[] }>('GET', '/api/v1/schedules')).body.items;
    expect(left.map(({ name }) => name)).to.deep.equal(['tidy', 'nightly', 'weekly']);
    const tidy = left[0]!.id;
    await until('the first slot of an interval has its task', async () => (await runs(tidy)).length === 1);
  });

  it('count the runs that remain exactly, with two beats of which the leader is killed', async () => {
    deployment.start('beat');
    const task = { name: 'calculator.add', args: [1, 2] };
    const id = await add({ name: 'trial', cron: '* * * * * *', timezone: 'Europe/Berlin', remainingRuns: 8, task });
    await until('three slots have their task', async () => (await runs(id)).length >= 3);
    await beat.kill('SIGKILL');
    await until('it has ended', async () => (await read(id)).state === 'ended', { timeoutMs: 60_000 });
    expect(await read(id)).to.deep.include({ remainingRuns: 0, nextAt: null });
    const slots = (await runs(id)).map(({ schedule }) => schedule.slot.getTime());
    expect(slots).to.have.length(8);
    expect(new Set(slots).size).to.equal(8);
    for (const slot of slots) expect(slot % 1_000).to.equal(0);
  });

  it('skip slots while the task before is open, or cancel it', async () => {
    const file = join(deployment.directory, 'evidence');
    const slow = (label: string) => ({ name: 'test.evidence', kwargs: { file, label, ms: 3_500 } });
    const skips = await add({ name: 'skips', interval: 1, overlap: 'skip', task: slow('skips') });
    const cancels = await add({ name: 'cancels', interval: 1, overlap: 'cancel', task: slow('cancels') });
    const completed = async (id: string): Promise<number> => (await runs(id)).filter(({ state }) => state === 'completed').length;
    await until('two long tasks have completed', async () => (await completed(skips)) >= 2, { timeoutMs: 60_000 });
    for (const id of [skips, cancels]) await deployment.request('POST', `/api/v1/schedules/${id}/pause`);
    await until(
      'all have ended',
      async () =>
        (await deployment.db
          .collection('tasks')
          .countDocuments({ finishedAt: { $exists: false }, schedule: { $exists: true } })) === 0,
    );
    expect((await read(skips)).skipped).to.be.at.least(2);
    const skipping = await runs(skips);
    for (const [index, run] of skipping.entries())
      if (index > 0) expect(run.createdAt, 'the one before had ended').to.be.greaterThan(skipping[index - 1]!.finishedAt!);
    const ends = await runs(cancels);
    expect(ends.slice(0, -1).filter(({ state }) => state === 'canceled').length).to.be.greaterThan(ends.length / 2);
    expect(await read(cancels)).to.include({ skipped: 0 });
  });

  it('are paused by failed runs in a row, and go on when somebody has mended them', async () => {
    const id = await add({ name: 'broken', interval: 1, failureThreshold: 2, task: { name: 'basic.fail', args: ['no'] } });
    await until('it is paused', async () => (await read(id)).state === 'paused', { timeoutMs: 60_000 });
    const made = await runs(id);
    expect(made.length).to.be.at.least(2);
    expect((await read(id)).paused)
      .to.have.property('reason')
      .that.matches(/^2 runs in a row have failed, the last of them task /);
    await deployment.request('PATCH', `/api/v1/schedules/${id}`, { task: { name: 'calculator.add', args: [1, 2] } });
    await deployment.request('POST', `/api/v1/schedules/${id}/resume`);
    await until('it goes on', async () => (await runs(id)).length >= made.length + 3, { timeoutMs: 60_000 });
    expect((await read(id)).state).to.equal('active');
  });
});
