import { expect } from 'chai';

import type { Outcome } from '../../src/core/outcome.js';
import { InterlockError } from '../../src/core/errors.js';
import type { Pool } from '../../src/worker/pool.js';
import { createPreforkPool } from '../../src/worker/prefork/prefork.js';
import { exclusiveJob, heard, jobOf, linesOf, poolFolder, poolOptions, recordingLog, type Line } from '../support/pool.js';
import { until } from '../support/wait.js';

const MINUTE = 60_000;

describe('A pool of child processes', function () {
  this.timeout(2 * MINUTE);
  const folder = poolFolder();
  const lines: Line[] = [];
  let pool: Pool;

  /** One for most tests: what they do to a child must not matter to the next. */
  before(async () => {
    pool = createPreforkPool(poolOptions(folder.root, { slots: 2, memoryMiB: 400, log: recordingLog(lines) }));
    await pool.start();
  });

  after(async () => {
    await pool.stop();
    folder.remove();
  });

  const result = async (running: Promise<Outcome>): Promise<unknown> => {
    const outcome = await running;
    if (outcome.kind !== 'completed') throw new Error(`expected a result, not ${JSON.stringify(outcome)}`);
    return outcome.result;
  };

  const failure = async (running: Promise<Outcome>): Promise<Extract<Outcome, { kind: 'failed' }>> => {
    const outcome = await running;
    if (outcome.kind !== 'failed') throw new Error(`expected a failure, not ${JSON.stringify(outcome)}`);
    return outcome;
  };

  describe('runs bodies', () => {
    it('gives a plain function its args and returns what it returns', async () => {
      expect(await result(pool.run(jobOf('basic.add', [1, 2]), heard()))).to.equal(3);
    });

    it('hands on kwargs behind the args, a directory of its own, and no more environment than allowed', async () => {
      process.env.INTERLOCK_MONGO_URL = 'mongodb://secret';
      const job = jobOf('basic.describeMe', ['first'], { kwargs: { a: 1 } });
      const seen = (await result(pool.run(job, heard()))) as Record<string, unknown>;
      delete process.env.INTERLOCK_MONGO_URL;
      expect(seen).to.deep.include({ given: ['first', { a: 1 }], id: job.task.id, attempt: 1, worker: 'worker@test' });
      expect(seen.directory).to.equal(folder.file(`work/worker@test/${job.task.id}`));
      const allowed = ['HOME', 'INTERLOCK_CHILD', 'LANG', 'PATH', 'TMPDIR', 'TZ'];
      expect(allowed).to.include.members(seen.environment as string[]);
    });

    it('sends progress bars, created resources, log lines and what is printed', async () => {
      const events = heard();
      const job = jobOf('test.progress');
      expect(await result(pool.run(job, events))).to.equal(null);
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
      const answer = await result(pool.run(job, events));
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
      const { error } = await failure(pool.run(jobOf('test.refused'), heard({ service: refuse })));
      expect(error).to.include({ code: 'CONFLICT', message: 'The name is taken.' });
    });

    it('tells the fence of a reserved resource, raised by each attempt, and of no other', async () => {
      const job = exclusiveJob('test.fenced', [], { attempt: 3, kwargs: { resource: 'calculator' } });
      expect(await result(pool.run(job, heard()))).to.equal(42);
      const other = exclusiveJob('test.fenced', [], { kwargs: { resource: 'abacus' } });
      expect((await failure(pool.run(other, heard()))).error.message).to.contain('does not reserve "abacus"');
    });

    it('refuses old input that its type no longer takes, and types that it has not loaded', async () => {
      const old = await failure(pool.run(jobOf('test.wait', [], { kwargs: { ms: 'soon' } }), heard()));
      expect(old.error.code).to.equal('VALIDATION_FAILED');
      expect(old.error.message).to.contain('/kwargs/ms');
      expect((await failure(pool.run(jobOf('test.unknown'), heard()))).error.code).to.equal('UNKNOWN_TASK_TYPE');
    });
  });

  describe('reports failures', () => {
    it('keeps the code, the message and a bounded stack of what a body throws', async () => {
      const coded = await failure(pool.run(jobOf('basic.fail', ['no such thing', 'E_MISSING']), heard()));
      expect(coded.error).to.include({ code: 'E_MISSING', message: 'no such thing' });
      expect(coded.error.traceback).to.match(/at fail .*basic\.ts:\d+/);
      const long = await failure(pool.run(jobOf('basic.fail', ['x'.repeat(50_000), 'not a code']), heard()));
      expect(long.error.code).to.equal('TASK_ERROR');
      expect(Buffer.byteLength(long.error.message)).to.be.at.most(4_096);
      expect(Buffer.byteLength(long.error.traceback!)).to.be.at.most(8_192);
    });

    for (const what of ['bigint', 'cycle', 'function']) {
      it(`fails a task whose result is a ${what}`, async () => {
        const { error } = await failure(pool.run(jobOf('test.returns', [], { kwargs: { what } }), heard()));
        expect(error.code).to.equal('RESULT_NOT_JSON');
      });
    }

    it('fails a task whose result is too large, before it is sent', async () => {
      const kwargs = { what: 'big', size: 200 * 1024 * 1024 };
      const { error } = await failure(pool.run(jobOf('test.returns', [], { kwargs }), heard()));
      expect(error.code).to.be.oneOf(['RESULT_TOO_LARGE', 'CHILD_DIED']);
      const just = await failure(pool.run(jobOf('test.returns', [], { kwargs: { what: 'big', size: 64 * 1024 } }), heard()));
      expect(just.error.code).to.equal('RESULT_TOO_LARGE');
    });

    it('names the exit status and the last words of a child that exits', async () => {
      const outcome = await failure(pool.run(jobOf('rough.exit', [3]), heard()));
      expect(outcome.error.code).to.equal('CHILD_DIED');
      expect(outcome.error.message).to.contain('status 3').and.to.contain('goodbye');
      expect(outcome.exit).to.deep.equal({ code: 3, signal: null });
    });

    it('does not take exit status 0 for success', async () => {
      const outcome = await failure(pool.run(jobOf('rough.exit', [0]), heard()));
      expect(outcome.error.code).to.equal('CHILD_DIED');
      expect(outcome.exit).to.deep.equal({ code: 0, signal: null });
    });

    it('names the signal of a child that aborts', async () => {
      const outcome = await failure(pool.run(jobOf('rough.abort'), heard()));
      expect(outcome.exit).to.deep.equal({ code: null, signal: 'SIGABRT' });
    });

    it('fails a task with a rejection that nobody handles', async () => {
      const outcome = await failure(pool.run(jobOf('rough.rejectUnseen'), heard()));
      expect(outcome.error.message).to.contain('nobody looks');
      expect(outcome.exit?.code).to.equal(1);
    });

    it('kills a child that uses too much memory outside its heap', async () => {
      const outcome = await failure(pool.run(jobOf('rough.hogBuffers'), heard()));
      expect(outcome.error.message).to.contain('more than 400 MiB of memory');
    });

    for (const name of ['garbage', 'wrongMessage', 'flood']) {
      it(`kills a child that sends a ${name}, and goes on`, async () => {
        const outcome = await failure(pool.run(jobOf(`rough.${name}`), heard()));
        expect(outcome.error.code).to.equal('CHILD_DIED');
        expect(outcome.exit?.signal).to.equal('SIGKILL');
        expect(await result(pool.run(jobOf('basic.add', [2, 2]), heard()))).to.equal(4);
      });
    }

    it('closes the bars of a task with its end, also when its child died', async () => {
      const events = heard();
      const running = pool.run(jobOf('test.finish-anyway'), events);
      await until('the first report', () => events.reports.length > 0);
      const busy = pool.stats().children.find(child => child.task !== null)!;
      process.kill(busy.pid, 'SIGKILL');
      const outcome = await failure(running);
      expect(outcome.error.message).to.contain('SIGKILL');
      expect(events.reports.at(-1)!.progress.map(bar => bar.state)).to.deep.equal(['failed']);
    });
  });

  describe('cancels', () => {
    it('a body that heeds its signal, and keeps the child', async () => {
      const events = heard();
      const before = pool.stats().children.map(child => child.pid);
      const job = jobOf('test.wait', [], { kwargs: { ms: 10 * MINUTE } });
      const running = pool.run(job, events);
      await until('the body to have begun', () => events.reports.length > 0);
      pool.cancel(job.task.id, 'user');
      pool.cancel(job.task.id, 'worker-shutdown');
      expect(await running).to.deep.equal({ kind: 'canceled', reason: 'user' });
      expect(pool.stats().children.map(child => child.pid)).to.deep.equal(before);
      expect(events.reports.at(-1)!.progress[0]!.state).to.equal('canceled');
    });

    it('not a body that ends well all the same', async () => {
      const events = heard();
      const job = jobOf('test.finish-anyway');
      const running = pool.run(job, events);
      await until('the body to have begun', () => events.reports.length > 0);
      pool.cancel(job.task.id, 'user');
      expect(await running).to.deep.equal({ kind: 'completed', result: 'finished anyway' });
    });

    it('a busy loop that ignores SIGTERM, by killing it, and fills its slot again', async () => {
      const file = folder.file('stubborn');
      const job = jobOf('rough.busyLoop', [{ file }]);
      const running = pool.run(job, heard());
      const [, pid] = (await until('the loop to have begun', () => linesOf(file)[0])).split(' ');
      pool.cancel(job.task.id, 'worker-shutdown');
      const outcome = await running;
      expect(outcome).to.deep.equal({ kind: 'canceled', reason: 'worker-shutdown', exit: { code: null, signal: 'SIGKILL' } });
      expect(pool.stats().children.map(child => child.pid)).to.not.include(Number(pid));
      await until('the slot to be filled again', () => pool.stats().children.length === 2);
    });

    it('a body whose child is frozen', async () => {
      const events = heard();
      const job = jobOf('test.finish-anyway');
      const running = pool.run(job, events);
      await until('the body to have begun', () => events.reports.length > 0);
      process.kill(pool.stats().children.find(child => child.task === job.task.id)!.pid, 'SIGSTOP');
      pool.cancel(job.task.id, 'user');
      expect(await running).to.deep.include({ kind: 'canceled', reason: 'user' });
    });

    it('nothing when the task is not here', () => {
      pool.cancel('no-such-task', 'user');
    });
  });

  describe('leaves nothing running', () => {
    it('uses a child again after an exclusive task that left nothing', async () => {
      const pids = new Set<unknown>();
      for (let n = 0; n < 6; n += 1) pids.add(await result(pool.run(exclusiveJob('rough.pidOfChild'), heard())));
      expect(pids.size).to.be.at.most(2);
    });

    it('kills a grandchild in the group of a cancelled child', async () => {
      await expectSilence('grouped', { detached: false });
    });

    it('kills a grandchild that has a session of its own', async () => {
      await expectSilence('detached', { detached: true });
    });

    for (const detached of [false, true]) {
      it(`ends what an exclusive task leaves behind (${detached ? 'its own session' : 'same group'}) before the task ends`, async () => {
        const file = folder.file(`left-${detached}`);
        await result(pool.run(exclusiveJob('rough.grandchild', [{ file, detached, outlive: true }]), heard()));
        await expectQuiet(file);
      });
    }

    it('replaces a child in which an exclusive task left a timer', async () => {
      const file = folder.file('timer');
      const pid = await result(pool.run(exclusiveJob('rough.leaveTimer', [{ file }]), heard()));
      expect(pool.stats().children.map(child => child.pid)).to.not.include(pid);
      await expectQuiet(file);
    });

    /** Cancels a task whose grandchild writes; nothing may be written after its end. */
    async function expectSilence(name: string, options: { detached: boolean }): Promise<void> {
      const file = folder.file(name);
      const job = jobOf('rough.grandchild', [{ file, ...options }]);
      const running = pool.run(job, heard());
      await until('the grandchild to write', () => linesOf(file).length > 2);
      pool.cancel(job.task.id, 'user');
      expect((await running).kind).to.equal('canceled');
      await expectQuiet(file);
    }

    /** Another task takes longer than several of its ticks would. */
    async function expectQuiet(file: string): Promise<void> {
      const now = linesOf(file).length;
      await result(pool.run(jobOf('test.wait', [], { kwargs: { ms: 200 } }), heard()));
      expect(linesOf(file).length).to.equal(now);
    }
  });
});
