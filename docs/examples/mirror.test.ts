import assert from 'node:assert/strict';
import { beforeEach, test } from 'node:test';

import { runTask, Progress } from 'interlock';
import { createLab } from 'interlock/testing';

import { fetchAll, mirror, origin, publish } from './mirror.js';

const tasks = [fetchAll, publish];

beforeEach(() => {
  origin.fetch = () => Promise.resolve({ status: 200, size: 10 });
});

test('one body by itself', async () => {
  const progress = new Progress(() => undefined);
  assert.equal(await runTask(fetchAll, { repository: 'a', files: ['x', 'y'] }, { progress }), 20);
  assert.equal(progress.bars[0]?.done, 2);
});

test('two mirrors of one repository run one after the other', async () => {
  const lab = createLab({ tasks, start: '2026-01-01T00:00:00Z' });
  const first = await lab.submit(fetchAll, { repository: 'a', files: ['x', 'y'] });
  const second = await lab.submit(fetchAll, { repository: 'a', files: ['x'] });
  await lab.settle();
  assert.equal(lab.task(second).waitingFor, 'resources');
  await lab.advance('1m');
  assert.ok((lab.task(second).startedAt ?? '') >= (lab.task(first).finishedAt ?? 'never'));
});

test('publishes when all are there, however often that takes', async () => {
  const lab = createLab({ tasks });
  let asked = 0;
  origin.fetch = () => Promise.resolve({ status: (asked += 1) === 1 ? 429 : 200, size: 10 });
  const { members } = await lab.run(mirror(['a', 'b'], ['x']));
  await lab.advance('1m');
  assert.equal(lab.task(members.publish!).state, 'waiting');
  await lab.advance('5m');
  assert.deepEqual(await lab.result(members.publish!), { bytes: 20 });
});

test('is skipped where a repository cannot be had', async () => {
  const lab = createLab({ tasks });
  origin.fetch = url => Promise.resolve({ status: url.includes('/b/') ? 500 : 200, size: 10 });
  const { members } = await lab.run(mirror(['a', 'b'], ['x']));
  await lab.advance('1h');
  assert.equal(lab.task(members.b!).attempt, 4);
  assert.equal(lab.task(members.publish!).reason, 'dependency-failed');
});

test('every night, and once for all the nights without a beat', async () => {
  const lab = createLab({ tasks, start: '2026-01-01T12:00:00Z' });
  const nightly = await lab.schedule({
    name: 'nightly',
    task: { name: 'mirror.publish' },
    interval: 'P1D',
    anchor: '2026-01-02T02:00:00Z',
    misfire: 'one',
  });
  await lab.advance('2d');
  await lab.advance('7d', { beat: false });
  const slots = lab.tasks({ schedule: nightly.id }).map(task => task.schedule?.slot);
  assert.deepEqual(slots, ['2026-01-02T02:00:00.000Z', '2026-01-03T02:00:00.000Z', '2026-01-10T02:00:00.000Z']);
});
