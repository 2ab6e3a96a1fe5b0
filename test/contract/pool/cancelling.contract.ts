import { expect } from 'chai';

import { heard, jobOf, linesOf } from '../../support/pool.js';
import { until } from '../../support/wait.js';
import { result, type SharedPool } from './support.js';

const MINUTE = 60_000;

export function cancellingContract({ pool, file }: SharedPool): void {
  describe('cancelling', () => {
    it('a body that heeds its signal, and keeps the child', async () => {
      const events = heard();
      const before = pool()
        .stats()
        .children.map(child => child.pid);
      const job = jobOf('test.wait', [], { kwargs: { ms: 10 * MINUTE } });
      const running = pool().run(job, events);
      await until('the body to have begun', () => events.reports.length > 0);
      pool().cancel(job.task.id, 'user');
      pool().cancel(job.task.id, 'worker-shutdown');
      expect(await running).to.deep.equal({ kind: 'canceled', reason: 'user' });
      expect(
        pool()
          .stats()
          .children.map(child => child.pid),
      ).to.deep.equal(before);
      expect(events.reports.at(-1)!.progress[0]!.state).to.equal('canceled');
    });

    it('not a body that ends well all the same', async () => {
      const events = heard();
      const job = jobOf('test.finish-anyway');
      const running = pool().run(job, events);
      await until('the body to have begun', () => events.reports.length > 0);
      pool().cancel(job.task.id, 'user');
      expect(await running).to.deep.equal({ kind: 'completed', result: 'finished anyway' });
    });

    it('a busy loop that ignores SIGTERM, by killing it, and fills its slot again', async () => {
      const name = file('stubborn');
      const job = jobOf('rough.busyLoop', [{ file: name }]);
      const running = pool().run(job, heard());
      const [, pid] = (await until('the loop to have begun', () => linesOf(name)[0])).split(' ');
      pool().cancel(job.task.id, 'worker-shutdown');
      const outcome = await running;
      expect(outcome).to.deep.equal({ kind: 'canceled', reason: 'worker-shutdown', exit: { code: null, signal: 'SIGKILL' } });
      expect(
        pool()
          .stats()
          .children.map(child => child.pid),
      ).to.not.include(Number(pid));
      expect(await result(pool().run(jobOf('basic.add', [1, 1]), heard()))).to.equal(2);
    });

    it('a body whose child is frozen', async () => {
      const events = heard();
      const job = jobOf('test.finish-anyway');
      const running = pool().run(job, events);
      await until('the body to have begun', () => events.reports.length > 0);
      process.kill(
        pool()
          .stats()
          .children.find(child => child.tasks.includes(job.task.id))!.pid,
        'SIGSTOP',
      );
      pool().cancel(job.task.id, 'user');
      expect(await running).to.deep.include({ kind: 'canceled', reason: 'user' });
    });

    it('nothing when the task is not here', () => {
      pool().cancel('no-such-task', 'user');
    });

    for (const detached of [false, true]) {
      it(`kills a grandchild of a body that does not end (${detached ? 'a session of its own' : 'in the group of its child'})`, async () => {
        const name = file(`grandchild-${detached}`);
        const job = jobOf('rough.grandchild', [{ file: name, detached }]);
        const running = pool().run(job, heard());
        await until('the grandchild to write', () => linesOf(name).length > 2);
        pool().cancel(job.task.id, 'user');
        expect((await running).kind).to.equal('canceled');
        const then = linesOf(name).length;
        await result(pool().run(jobOf('test.wait', [], { kwargs: { ms: 200 } }), heard())); // several of its ticks
        expect(linesOf(name).length).to.equal(then);
      });
    }
  });
}
