import { existsSync } from 'node:fs';

import { expect } from 'chai';

import { InterlockError } from '../../../src/core/errors.js';
import { exclusiveJob, heard, jobOf } from '../../support/pool.js';
import { until } from '../../support/wait.js';
import { failure, result, type SharedPool } from './support.js';

export function bodiesContract({ pool, lines, file }: SharedPool): void {
  describe('running bodies', () => {
    it('gives a plain function its args and returns what it returns', async () => {
      expect(await result(pool().run(jobOf('basic.add', [1, 2]), heard()))).to.equal(3);
    });

    it('hands on kwargs behind the args, and no more environment than allowed', async () => {
      process.env.INTERLOCK_MONGO_URL = 'mongodb://secret';
      const job = jobOf('basic.describeMe', ['first'], { kwargs: { a: 1 } });
      const seen = (await result(pool().run(job, heard()))) as Record<string, unknown>;
      delete process.env.INTERLOCK_MONGO_URL;
      expect(seen).to.deep.include({ given: ['first', { a: 1 }], id: job.task.id, attempt: 1, worker: 'worker@test' });
      const allowed = ['HOME', 'INTERLOCK_CHILD', 'LANG', 'PATH', 'TMPDIR', 'TZ'];
      expect(allowed).to.include.members(seen.environment as string[]);
    });

    it('gives each start a directory of its own when it asks for one, and takes it away', async () => {
      const job = jobOf('basic.useDirectory');
      expect(await result(pool().run(job, heard()))).to.equal(file(`work/worker@test/${job.task.id}`));
      expect(existsSync(file(`work/worker@test/${job.task.id}`))).to.equal(false);
      expect(await result(pool().run(job, heard()))).to.equal(file(`work/worker@test/${job.task.id}`));
    });

    it('sends progress bars, created resources, log lines and what is printed', async () => {
      const events = heard();
      const job = jobOf('test.progress');
      expect(await result(pool().run(job, events))).to.equal(null);
      const last = events.reports.at(-1)!;
      expect(last.created).to.deep.equal(['/api/v1/things/1']);
      expect(last.progress.map(({ done, state }) => [done, state])).to.deep.equal([
        [1_000, 'completed'],
        [0, 'completed'],
      ]);
      expect(events.reports.length).to.be.at.most(5);
      await until('the lines of the task', () => {
        const mine = lines.filter(line => line.fields.taskId === job.task.id).map(line => line.message);
        return mine.includes('Counted.') && mine.includes('printed');
      });
    });

    it('passes submissions and calls of services to its supervisor, with the task as parent', async () => {
      const events = heard();
      const job = jobOf('test.spawner');
      const answer = await result(pool().run(job, events));
      expect(answer).to.deep.equal({
        spawned: { id: 'spawned-1' },
        enqueued: { id: 'spawned-2' },
        answer: { name: 'test.echo', input: { said: 'hello' } },
      });
      expect(events.spawned).to.deep.equal([
        { name: 'test.wait', kwargs: { ms: 1 }, queue: 'other', parent: job.task.id },
        { parent: job.task.id, name: 'basic.add', args: [1, 2], kwargs: {}, exclusive: ['calculator'] },
      ]);
    });

    it('lets a body see why its supervisor refused', async () => {
      const refuse = (): Promise<never> => Promise.reject(new InterlockError('CONFLICT', 'The name is taken.'));
      const { error } = await failure(pool().run(jobOf('test.refused'), heard({ service: refuse })));
      expect(error).to.include({ code: 'CONFLICT', message: 'The name is taken.' });
    });

    it('tells the fence of a reserved resource, raised by each attempt, and of no other', async () => {
      const job = exclusiveJob('test.fenced', [], { attempt: 3, kwargs: { resource: 'calculator' } });
      expect(await result(pool().run(job, heard()))).to.equal(42);
      const other = exclusiveJob('test.fenced', [], { kwargs: { resource: 'abacus' } });
      expect((await failure(pool().run(other, heard()))).error.message).to.contain('does not reserve "abacus"');
    });

    it('refuses old input that its type no longer takes, and begins nothing of a type, or a version, that it does not have', async () => {
      const old = await failure(pool().run(jobOf('test.wait', [], { kwargs: { ms: 'soon' } }), heard()));
      expect(old.error.code).to.equal('VALIDATION_FAILED');
      expect(old.error.message).to.contain('/kwargs/ms');
      const before = pool().stats().children.length;
      for (const job of [jobOf('test.unknown'), jobOf('test.wait', [], { kwargs: { ms: 1 }, version: 2 })])
        expect(await pool().run(job, heard())).to.deep.equal({ kind: 'unfamiliar' });
      expect(pool().stats().children.length).to.equal(before);
    });
  });
}
