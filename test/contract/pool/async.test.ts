import { expect } from 'chai';

import type { Json } from '../../../src/core/json.js';
import type { ProgressReport } from '../../../src/core/task.js';
import type { RunOutcome } from '../../../src/worker/pool.js';
import { exclusiveJob, heard, jobOf, linesOf } from '../../support/pool.js';
import { until } from '../../support/wait.js';
import { awaitingContract } from './awaiting.contract.js';
import { bodiesContract } from './bodies.contract.js';
import { cancellingContract } from './cancelling.contract.js';
import { failuresContract } from './failures.contract.js';
import { lifeContract } from './life.contract.js';
import { resizingContract } from './resizing.contract.js';
import { failure, result, sharedPool } from './support.js';

const MINUTE = 60_000;

describe('A pool of one child process for all tasks', function () {
  this.timeout(2 * MINUTE);
  const shared = sharedPool('async');
  bodiesContract(shared);
  failuresContract(shared);
  cancellingContract(shared);
  lifeContract('async');
  describe('whose bodies await others', () => awaitingContract('async', () => 1));
  describe('that is resized', () => resizingContract('async', () => 1));
});

describe('Many tasks in one process', function () {
  this.timeout(2 * MINUTE);
  const { pool, lines, file } = sharedPool('async', {
    slots: 1_000,
    taskModules: ['./crowd.ts', './basic.ts'],
    retireMs: 3_000,
    graceMs: 3_000, // a thousand bodies need a moment to hear of their end
  });
  let files = 0;

  const run = (name: string, ...args: Json[]): Promise<RunOutcome> => pool().run(jobOf(name, args), heard());
  const pidOfNext = async (): Promise<unknown> => result(run('crowd.brief', 0));

  /** A task that waits until it is asked to end, and its end. */
  const begun = async (name: string): Promise<{ id: string; end: Promise<RunOutcome> }> => {
    const trace = file(`begun-${(files += 1)}`);
    const job = jobOf(name, [trace]);
    const end = pool().run(job, heard());
    await until(`${name} to have begun`, () => linesOf(trace).length > 0);
    return { id: job.task.id, end };
  };

  const cancel = async ({ id, end }: { id: string; end: Promise<RunOutcome> }): Promise<RunOutcome> => {
    pool().cancel(id, 'user');
    return end;
  };

  it('runs a thousand bodies at once', async () => {
    const jobs = Array.from({ length: 1_000 }, () => jobOf('crowd.patient'));
    const ends = jobs.map(job => pool().run(job, heard()));
    const pid = await pidOfNext(); // given out last, so that all others have been begun
    expect(pool().stats()).to.deep.include({ slots: 1_000, busy: 1_000 });
    expect(
      pool()
        .stats()
        .children.map(child => [child.pid, child.tasks.length]),
    ).to.deep.equal([[pid, 1_000]]);
    for (const { task } of jobs) pool().cancel(task.id, 'user');
    const outcomes = await Promise.all(ends);
    expect(outcomes.every(outcome => outcome.kind === 'canceled' && outcome.reason === 'user')).to.equal(true);
    expect(await pidOfNext()).to.equal(pid);
  });

  it('tells each body who it is', async () => {
    const jobs = Array.from({ length: 50 }, () => jobOf('crowd.whoAmI'));
    const ids = await Promise.all(jobs.map(job => result(pool().run(job, heard()))));
    expect(ids).to.deep.equal(jobs.map(job => job.task.id));
  });

  it('keeps apart what they print', async () => {
    const jobs = ['left', 'right'].map(word => jobOf('crowd.talk', [word]));
    await Promise.all(jobs.map(job => result(pool().run(job, heard()))));
    for (const { task } of jobs) {
      const [word] = task.args as [string];
      const mine = lines.filter(line => line.fields.taskId === task.id).map(line => [line.fields.stream, line.message]);
      expect(mine).to.deep.equal([
        ['stdout', `${word} one`],
        ['stderr', `${word} complains`],
        ['stdout', `${word} two`],
      ]);
    }
  });

  it('retires the child of a body that does not heed its cancellation', async () => {
    const [stubborn, innocent] = [await begun('crowd.stubborn'), await begun('crowd.patient')];
    const former = await pidOfNext();
    const brief = run('crowd.brief', 3_800); // ends while its child is retired
    const ended = cancel(stubborn);
    await until('the child to be retired', () =>
      pool()
        .stats()
        .children.some(child => child.retired),
    );
    expect(await pidOfNext()).to.not.equal(former);
    expect(await result(brief)).to.equal(former);
    const exit = { code: null, signal: 'SIGKILL' };
    expect(await ended).to.deep.equal({ kind: 'canceled', reason: 'user', exit });
    expect(await innocent.end).to.deep.equal({ kind: 'canceled', reason: 'worker-lost', exit });
  });

  it('fails the body of a rejection that nobody handles, and no other', async () => {
    const innocent = await begun('crowd.patient');
    const pid = await pidOfNext();
    const outcome = await failure(run('crowd.rejectAside'));
    expect(outcome).to.have.nested.property('error.code', 'CHILD_DIED');
    expect(outcome.error.message).to.contain('nobody looks');
    expect(outcome.exit).to.equal(undefined);
    expect(await pidOfNext()).to.equal(pid);
    expect(await cancel(innocent)).to.deep.equal({ kind: 'canceled', reason: 'user' });
  });

  it('fails also the body that ends in the same moment', async () => {
    expect(await failure(run('crowd.rejectAndReturn'))).to.have.nested.property('error.code', 'CHILD_DIED');
  });

  it('logs what fails when its body has ended, and goes on', async () => {
    const pid = await result(run('crowd.leaveRejection'));
    await until('the line', () => lines.some(line => line.message.includes('too late')));
    expect(await pidOfNext()).to.equal(pid);
  });

  it('fails the body that throws where nobody can catch it, and lets the others end elsewhere', async () => {
    const former = await pidOfNext();
    const brief = run('crowd.brief', 300);
    const outcome = await failure(run('crowd.throwAside'));
    expect(outcome.error.message).to.contain('thrown in a timer');
    expect(await pidOfNext()).to.not.equal(former);
    expect(await result(brief)).to.equal(former);
    await until('the child to be gone', () =>
      pool()
        .stats()
        .children.every(child => child.pid !== former),
    );
  });

  it('ends with whatever nobody can be blamed for, and calls nobody guilty', async () => {
    const innocent = await begun('crowd.patient');
    const lost = { kind: 'canceled', reason: 'worker-lost', exit: { code: 1, signal: null } };
    expect(await run('crowd.throwNowhere')).to.deep.equal(lost);
    expect(await innocent.end).to.deep.equal(lost);
  });

  it('blames the body that exits, and nobody else', async () => {
    const innocent = await begun('crowd.patient');
    const outcome = await failure(run('crowd.exitAside'));
    expect(outcome.error.message).to.contain('status 3');
    expect(await innocent.end).to.deep.equal({ kind: 'canceled', reason: 'worker-lost', exit: { code: 3, signal: null } });
  });

  it('loses all of them when the process is killed', async () => {
    const running = [await begun('crowd.patient'), await begun('crowd.patient')];
    process.kill((await pidOfNext()) as number, 'SIGKILL');
    const lost = { kind: 'canceled', reason: 'worker-lost', exit: { code: null, signal: 'SIGKILL' } };
    for (const { end } of running) expect(await end).to.deep.equal(lost);
  });

  it('says that a body keeps the others from running', async () => {
    const innocent = await begun('crowd.patient');
    await result(run('crowd.block', 1_500));
    const said = lines.filter(line => line.level === 'warn').map(line => line.message);
    await until('the end of it to be told', () => lines.some(line => line.message.includes('go on after')));
    expect(said.join()).to.contain('stand still');
    expect(await cancel(innocent)).to.deep.equal({ kind: 'canceled', reason: 'user' });
  });

  it('replaces a child that has grown large, and kills nobody for it', async () => {
    const former = await pidOfNext();
    const events = heard();
    const job = jobOf('crowd.growTo', [430]);
    const end = pool().run(job, events);
    await until('another child to take the tasks', async () => (await pidOfNext()) !== former);
    expect(events.reports).to.not.deep.equal([]);
    expect(await cancel({ id: job.task.id, end })).to.deep.equal({ kind: 'canceled', reason: 'user' });
    await until('the large one to be gone', () =>
      pool()
        .stats()
        .children.every(child => child.pid !== former),
    );
  });

  it('holds the end of a task with resources until what it has asked for is answered', async () => {
    let answer: (() => void) | undefined;
    const slow = (): Promise<Json> => new Promise(resolve => (answer = () => resolve(null)));
    let ended = false;
    const end = pool()
      .run(exclusiveJob('crowd.askAside'), heard({ service: slow }))
      .finally(() => (ended = true));
    await until('it to have asked', () => answer !== undefined);
    await pidOfNext();
    expect(ended).to.equal(false);
    answer?.();
    expect(await result(end)).to.equal('done');
  });

  it('is not canceled any more once it has ended, though its directory is still being removed', async () => {
    const job = jobOf('crowd.leaveBar');
    const cancelAtEnd = (progress: ProgressReport[]): void => {
      if (progress[0]?.state === 'completed') pool().cancel(job.task.id, 'user');
    };
    expect(await pool().run(job, heard({ report: cancelAtEnd }))).to.deep.equal({ kind: 'completed', result: 'done' });
  });

  it('lets nobody change the current directory of all', async () => {
    expect((await failure(run('crowd.moveAway'))).error.message).to.contain('ctx.directory()');
  });

  it('lets nothing of a frozen process run once its deadline has passed', async () => {
    const pid = (await pidOfNext()) as number;
    const now = (): number => Number(process.hrtime.bigint()) / 1e6;
    const deadline = now() + 3_000;
    pool().extendDeadline(deadline);
    process.kill(pid, 'SIGSTOP');
    const unread = [run('crowd.patient'), run('crowd.patient')];
    await until('the deadline to have passed', () => now() > deadline);
    process.kill(pid, 'SIGCONT');
    for (const end of unread) expect(await end).to.deep.include({ kind: 'canceled', reason: 'worker-lost' });
    expect(await run('crowd.brief', 0)).to.deep.equal({ kind: 'canceled', reason: 'worker-lost' });
    pool().extendDeadline(now() + 10 * MINUTE);
    expect(await pidOfNext()).to.not.equal(pid);
  });
});

describe('A process with many tasks that stands still', function () {
  this.timeout(2 * MINUTE);
  const { pool, file } = sharedPool('async', {
    slots: 10,
    taskModules: ['./crowd.ts'],
    silentMs: 500,
    retireMs: 5_000,
  });
  const beat = (): void => pool().extendDeadline(Number(process.hrtime.bigint()) / 1e6 + MINUTE);
  const childWith = (id: string): number =>
    pool()
      .stats()
      .children.find(child => child.tasks.includes(id))!.pid;

  it('gets no new tasks, is killed if it stays so, and costs its tasks no blame', async () => {
    const trace = file('begun');
    const jobs = [jobOf('crowd.patient', [trace]), jobOf('crowd.patient', [trace])];
    const ends = jobs.map(job => pool().run(job, heard()));
    await until('both to have begun', () => linesOf(trace).length === 2);
    const pid = childWith(jobs[0]!.task.id);
    process.kill(pid, 'SIGSTOP');
    await until('another to take the tasks', () => {
      beat();
      return pool()
        .stats()
        .children.some(child => child.pid !== pid);
    });
    const outcome = await pool().run(jobOf('crowd.brief', [0]), heard());
    expect(outcome).to.have.property('kind', 'completed').and.not.property('result', pid);
    const lost = { kind: 'canceled', reason: 'worker-lost', exit: { code: null, signal: 'SIGKILL' } };
    for (const end of ends) expect(await end).to.deep.equal(lost);
  });

  it('is spared if it goes on in time', async () => {
    const [patient, blocking] = [jobOf('crowd.patient'), jobOf('crowd.block', [3_000])];
    beat();
    const end = pool().run(patient, heard());
    const blocked = pool().run(blocking, heard());
    const pid = childWith(patient.task.id);
    await until('another to take the tasks', () => {
      beat();
      return pool()
        .stats()
        .children.some(child => child.pid !== pid);
    });
    expect(await blocked).to.deep.equal({ kind: 'completed', result: null });
    pool().cancel(patient.task.id, 'user');
    expect(await end).to.deep.equal({ kind: 'canceled', reason: 'user' });
  });
});
