import { expect } from 'chai';
import { join } from 'node:path';

import { Deployment } from '../support/deployment.js';
import { overlaps, overtakings, readSpans, type Asked } from '../support/evidence.js';
import { seeded } from '../support/random.js';
import { until } from '../support/wait.js';

const TASKS = 500;
const RESOURCES = Array.from({ length: 20 }, (_, index) => `resource-${index}`);

describe('500 random tasks on 20 resources, two workers with two children each', function () {
  this.timeout(300_000);
  const seed = Number(process.env.INTERLOCK_TEST_SEED ?? Math.floor(Math.random() * 1e9));
  let deployment: Deployment;
  const asked: Asked[] = [];

  before(async () => {
    deployment = await Deployment.create();
    await deployment.startAll([
      ['-n', 'w1', '-c', '2'],
      ['-n', 'w2', '-c', '2'],
    ]);
  });
  after(() => deployment.destroy());

  it(`never overlap in conflict and start in order of acceptance (INTERLOCK_TEST_SEED=${seed})`, async () => {
    const random = seeded(seed);
    const file = join(deployment.directory, 'evidence');
    for (let index = 0; index < TASKS; index++) {
      const chosen = random.sample(RESOURCES, 1 + random.below(3));
      const exclusive = chosen.filter(() => random.below(2) === 0);
      const wish = { label: `t${index}`, exclusive, shared: chosen.filter(name => !exclusive.includes(name)) };
      // One request after another: only then is the order of acceptance known outside.
      await deployment.submit({
        name: 'test.evidence',
        kwargs: { file, label: wish.label, ms: random.below(40) },
        exclusive,
        shared: wish.shared,
      });
      asked.push(wish);
    }
    const counts = async (): Promise<Record<string, number>> =>
      (await deployment.request<{ counts: Record<string, number> }>('GET', '/api/v1/tasks/summary?by=state')).body.counts;
    // Counting is no snapshot: a task that starts meanwhile may be counted neither as waiting nor as running. What is final stays so.
    const ended = async (): Promise<boolean> => {
      const { completed = 0, failed = 0, canceled = 0 } = await counts();
      return completed + failed + canceled === TASKS;
    };
    await until('all tasks are final', ended, { timeoutMs: 200_000, everyMs: 500 });
    const spans = readSpans(file);
    expect(overlaps(spans, asked)).to.deep.equal([]);
    expect(overtakings(spans, asked)).to.deep.equal([]);
    const failed = await deployment.request<{ items: { id: string; error: unknown }[] }>('GET', '/api/v1/tasks?state=failed');
    expect(failed.body.items.map(({ id, error }) => ({ id, error }))).to.deep.equal([]);
    expect(await counts()).to.include({ completed: TASKS });
    const whole = new Set(spans.filter(span => span.ended).map(span => span.label));
    expect(asked.map(({ label }) => label).filter(label => !whole.has(label))).to.deep.equal([]);
  });
});
