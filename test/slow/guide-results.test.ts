import { expect } from 'chai';
import { MongoClient } from 'mongodb';
import { randomBytes } from 'node:crypto';
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

import { writePage } from '../../docs/examples/fenced-sink.js';
import { Deployment, type TaskView } from '../support/deployment.js';
import { testServers } from '../support/servers.js';
import { until } from '../support/wait.js';

const EXAMPLES = fileURLToPath(new URL('../../docs/examples', import.meta.url));

/** What is left of a task: the sections of the page that tell of it. */
describe('docs/tasks.md, results', function () {
  this.timeout(240_000);
  let deployment: Deployment;
  let pages: MongoClient;

  before(async () => {
    // A sink of its own, beside the databases of Interlock.
    const url = testServers().mongoUrl.replace(/^(mongodb:\/\/[^/?]+)(\/[^?]*)?/, `$1/pages_${randomBytes(4).toString('hex')}`);
    pages = await MongoClient.connect(url);
    const env = { INTERLOCK_CHILD_ENVIRONMENT: 'PAGES_URL', PAGES_URL: url, INTERLOCK_RETENTION_RESULTS_SECONDS: '86400' };
    deployment = await Deployment.create({
      timingScale: 1,
      taskModules: readdirSync(EXAMPLES).map(file => join(EXAMPLES, file)),
      env,
    });
    await deployment.startAll();
  });
  after(async () => {
    await deployment.destroy();
    await pages.db().dropDatabase();
    await pages.close();
  });

  /** Submits one, and gives it as it is when it has ended. */
  async function ended(name: string, kwargs: object, more: Record<string, unknown> = {}): Promise<TaskView> {
    return deployment.final((await deployment.submit({ name, kwargs, ...more })).id);
  }

  describe('progress, results, created resources', () => {
    it('show what the body told', async () => {
      const task = await ended('import-files', { files: ['a', 'b'] });
      expect(task).to.deep.include({ state: 'completed', result: { files: 2, padding: '' } });
      expect(task.createdResources).to.deep.equal(['/api/v1/files/a', '/api/v1/files/b']);
      expect(task.progress).to.deep.equal([
        { code: 'import.read', message: 'Reading', done: 2, total: 2, suffix: 'files', state: 'completed' },
        { code: 'import.store', message: 'Stored', done: 4, total: 4, suffix: 'blocks', state: 'completed' },
      ]);
    });

    it('end a bar that was left open as the task ends', async () => {
      const task = await ended('import-files', { files: ['a', '', 'b'] });
      expect(task).to.include({ state: 'failed', result: null });
      expect(task.progress.map(({ code, done, state }) => [code, done, state])).to.deep.equal([
        ['import.read', 1, 'failed'],
        ['import.store', 2, 'failed'],
      ]);
      expect(task.createdResources, 'what was made before stays').to.deep.equal(['/api/v1/files/a']);
    });

    it('fail a task whose result is too large, with its size and the limit', async () => {
      const task = await ended('import-files', { files: [], bytes: 1_048_577 }, { maxAttempts: 3, retry: { delay: 0 } });
      expect(task).to.include({ state: 'failed', attempt: 1, result: null });
      expect(task.error?.code).to.equal('RESULT_TOO_LARGE');
      expect(task.error?.message).to.match(/The result has 10486\d\d bytes of JSON, more than the 1048576 that are kept/);
    });
  });

  describe('fencing', () => {
    const written = () =>
      pages
        .db()
        .collection('pages')
        .findOne({ _id: 'start' as never });

    it('lets the sink refuse a late body that shows an older fence', async () => {
      const first = await ended('publish-page', { page: 'start', text: 'first' });
      const second = await ended('publish-page', { page: 'start', text: 'second' });
      const [older, younger] = [first, second].map(({ result }) => (result as { fence: number }).fence);
      expect(younger).to.be.greaterThan(older!);
      expect(await written()).to.deep.equal({ _id: 'start', fence: younger, text: 'second' });
      const refused = await writePage(pages, 'start', older!, 'late').catch((error: unknown) => error);
      expect(refused).to.be.an('error').with.property('message').that.matches(/older/);
      expect(await written()).to.deep.equal({ _id: 'start', fence: younger, text: 'second' });
      await writePage(pages, 'start', younger!, 'once more'); // the same start may write again
      expect(await written()).to.deep.include({ text: 'once more' });
    });

    it('leaves the youngest one standing, however many write at once', async () => {
      const fences = Array.from({ length: 20 }, (_, n) => ((n * 7) % 20) + 1);
      const answers = await Promise.allSettled(fences.map(fence => writePage(pages, 'race', fence, `${fence}`)));
      const page = await pages
        .db()
        .collection('pages')
        .findOne({ _id: 'race' as never });
      expect(page).to.deep.equal({ _id: 'race', fence: 20, text: '20' });
      expect(answers[fences.indexOf(20)]!.status).to.equal('fulfilled');
      for (const [index, answer] of answers.entries())
        if (answer.status === 'rejected') expect(String(answer.reason), `fence ${fences[index]}`).to.match(/older/);
    });
  });

  describe('how long tasks are kept', () => {
    it('deletes by hand what has ended, and keeps the members of what is open', async () => {
      const gone = await ended('count', { words: 'a b' }, { tags: ['purge'] });
      const skipped = await ended('upload', { file: '', to: 'purge' });
      const group = (await deployment.request<{ id: string }>('POST', '/api/v1/task-groups', {})).body.id;
      const member = await ended('count', { words: 'a' }, { group });
      await deployment.submit({ name: 'count', kwargs: { words: 'a' }, group, countdown: 3_600 });
      const purge = () => deployment.cli('task', 'purge', '--state', 'completed', '--yes', '--json');
      await until('its number is below the floor', async () => {
        const { code, stdout } = await purge();
        expect(code).to.equal(0);
        return (JSON.parse(stdout) as { deleted: number }).deleted === 0;
      });
      const status = async ({ id }: { id: string }) => (await deployment.request('GET', `/api/v1/tasks/${id}`)).status;
      await until('it is gone', async () => {
        await purge();
        return (await status(gone)) === 404;
      });
      expect([await status(member), await status(skipped)]).to.deep.equal([200, 200]);
      const answer = await deployment.request('DELETE', '/api/v1/tasks?state=skipped&finishedBefore=2020-01-01T00:00:00Z');
      expect([answer.status, await status(skipped)]).to.deep.equal([204, 200]);
      for (const [query, expected, code] of [
        ['', 400, 'VALIDATION_FAILED'],
        ['?state=running', 409, 'TASK_NOT_FINAL'],
        ['?state=gone', 400, 'VALIDATION_FAILED'],
        ['?state=failed&finishedBefore=soon', 400, 'VALIDATION_FAILED'],
      ] as const) {
        const refused = await deployment.request('DELETE', `/api/v1/tasks${query}`);
        expect([refused.status, refused.body.code], query).to.deep.equal([expected, code]);
      }
    });

    it('forgets by itself what is old, and says that a result was', async () => {
      const [old, young] = [await ended('count', { words: 'old' }), await ended('count', { words: 'young' })];
      const robbed = await ended('count', { words: 'three old words' });
      const age = (task: TaskView, days: number) =>
        deployment.db
          .collection<{ _id: string }>('tasks')
          .updateOne({ _id: task.id }, { $set: { finishedAt: new Date(Date.now() - days * 86_400_000) } });
      // What is so young is never so old: a walk that passed it by would come back to it after a while only.
      await until('their numbers are below the floor', async () => {
        const lease = await deployment.db
          .collection<{ _id: string; floor: number }>('leases')
          .findOne({ _id: 'resource-manager' });
        return lease!.floor >= (await deployment.db.collection('counters').findOne<{ n: number }>({ _id: 'seq' as never }))!.n;
      });
      await age(old, 8);
      await age(robbed, 2);
      const read = ({ id }: TaskView) => deployment.request<TaskView>('GET', `/api/v1/tasks/${id}`);
      await until('the old one is gone', async () => (await read(old)).status === 404, { timeoutMs: 60_000 });
      await until('the result of another is gone', async () => (await read(robbed)).body.resultExpired, { timeoutMs: 60_000 });
      expect((await read(robbed)).body).to.deep.include({ state: 'completed', result: null });
      expect((await read(young)).body).to.deep.include({ state: 'completed', result: 1, resultExpired: false });
    });
  });
});
