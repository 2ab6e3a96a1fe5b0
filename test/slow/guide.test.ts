import { expect } from 'chai';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

import { countAll } from '../../docs/examples/workflow.js';
import { Deployment, type TaskView } from '../support/deployment.js';
import { until } from '../support/wait.js';

const DOCS = fileURLToPath(new URL('../../docs', import.meta.url));
const EXAMPLES = join(DOCS, 'examples');

/** Each shows examples, and all of them together show all. */
const PAGES = ['tasks.md', 'testing.md', 'from-celery.md', 'from-pulp.md'];

describe('docs/tasks.md', function () {
  this.timeout(240_000);
  let deployment: Deployment;

  before(async () => {
    const files = readdirSync(EXAMPLES).filter(file => !file.endsWith('.test.ts'));
    const taskModules = files.map(file => join(EXAMPLES, file));
    deployment = await Deployment.create({ timingScale: 1, taskModules });
    await deployment.startAll();
  });
  after(() => deployment.destroy());

  /** Submits one, and gives it as it is when it has ended. */
  async function ended(name: string, kwargs: object, more: Record<string, unknown> = {}): Promise<TaskView> {
    return deployment.final((await deployment.submit({ name, kwargs, ...more })).id);
  }

  it('shows every example as it runs here', () => {
    const pages = PAGES.map(page => readFileSync(join(DOCS, page), 'utf8')).join('\n');
    const shown = [...pages.matchAll(/<!-- docs\/examples\/(\S+) -->\n```ts\n([\s\S]*?)```/g)];
    expect([...new Set(shown.map(([, file]) => file))]).to.have.members(readdirSync(EXAMPLES));
    for (const [, file = '', code] of shown) expect(code, file).to.equal(readFileSync(join(EXAMPLES, file), 'utf8'));
  });

  describe('failures and retries', () => {
    it('tries again after a growing delay, with every start visible', async () => {
      const task = await ended('upload', { file: 'a', to: 'mirror' });
      expect(task).to.deep.include({ state: 'completed', attempt: 3, result: { attempt: 3 } });
      expect(task.attempts.map(({ reason, error }) => [reason, error?.message ?? null])).to.deep.equal([
        ['failed', 'mirror is busy'],
        ['failed', 'mirror is busy'],
        ['completed', null],
      ]);
      const [first, second, third] = task.attempts.map(({ startedAt, finishedAt }) => [
        Date.parse(startedAt),
        Date.parse(finishedAt),
      ]);
      expect(second![0]! - first![1]!).to.be.at.least(500);
      expect(third![0]! - second![1]!).to.be.at.least(1_000);
    });

    it('gives its resource to others meanwhile, and joins the line anew', async () => {
      const waiting = await deployment.submit({ name: 'upload', kwargs: { file: 'large', to: 'shared' } });
      await until('it waits for its second start', async () => (await deployment.task(waiting.id)).waitingFor === 'retry');
      const explained = (await deployment.request<{ text: string }>('GET', `/api/v1/tasks/${waiting.id}/explain`)).body.text;
      expect(explained).to.match(/start 1, which failed \(TASK_ERROR: shared asks for patience\), to end at .*, in/);
      const other = await ended('upload', { file: '', to: 'shared' });
      expect(other).to.deep.include({ state: 'skipped', reason: null });
      expect(other.error).to.deep.include({ code: 'SKIPPED', message: 'there is nothing to upload' });
      const task = await deployment.final(waiting.id);
      expect(task).to.include({ state: 'completed', attempt: 3 });
      expect(Date.parse(task.attempts[1]!.startedAt)).to.be.greaterThan(Date.parse(other.finishedAt ?? ''));
    });

    it('keeps its resource where it holds: the next one starts after its last start', async () => {
      const retry = { delay: 1, holdWhileRetrying: true };
      const waiting = await deployment.submit({ name: 'upload', kwargs: { file: 'a', to: 'held' }, retry });
      await until('it waits for its second start', async () => (await deployment.task(waiting.id)).waitingFor === 'retry');
      const next = await deployment.submit({ name: 'upload', kwargs: { file: '', to: 'held' } });
      const [task, other] = [await deployment.final(waiting.id), await deployment.final(next.id)];
      expect(task).to.include({ state: 'completed', attempt: 3 });
      expect(Date.parse(other.startedAt ?? '')).to.be.at.least(Date.parse(task.finishedAt ?? ''));
    });

    it('ends at once where the body says so', async () => {
      const task = await ended('upload', { file: 'a', to: 'nowhere' });
      expect(task).to.include({ state: 'failed', attempt: 1 });
      expect(task.error?.message).to.equal('nowhere does not exist');
    });

    it('can be cancelled while it waits for its next start', async () => {
      const retry = { delay: 600 };
      const { id } = await deployment.submit({ name: 'upload', kwargs: { file: 'a', to: 'cancelled' }, retry });
      await until('it waits for its second start', async () => (await deployment.task(id)).waitingFor === 'retry');
      await deployment.request('POST', `/api/v1/tasks/${id}/cancel`, {});
      expect(await deployment.task(id)).to.include({ state: 'canceled', reason: 'user', attempt: 1 });
    });
  });

  describe('spawning', () => {
    it('gives the child what its type reserves, and its place in the family', async () => {
      const parent = await ended('refresh-all', { repositories: ['a', 'b'] }, { priority: 7 });
      expect(parent).to.include({ state: 'completed' });
      const children = await Promise.all((parent.result as string[]).map(id => deployment.final(id)));
      expect(children).to.have.length(2);
      for (const child of children) {
        const { parent: named, root, priority, correlationId } = child;
        expect({ named, root, priority, correlationId }).to.deep.equal({
          ...{ named: parent.id, root: parent.id, priority: 7 },
          correlationId: parent.correlationId,
        });
        expect(child.exclusive).to.have.length(1);
        expect((child.result as { fence: number }).fence).to.be.greaterThan(0);
      }
    });

    it('is over REST what names a parent, which must be there', async () => {
      const parent = await ended('refresh', { repository: 'c' });
      const child = await ended('refresh', { repository: 'd' }, { parent: parent.id });
      expect(child).to.include({ parent: parent.id, root: parent.id });
      const refused = await deployment.request<{ code: string; errors: { pointer: string }[] }>('POST', '/api/v1/tasks', {
        ...{ name: 'refresh', kwargs: { repository: 'e' }, parent: 'nobody' },
      });
      expect(refused.status).to.equal(400);
      expect(refused.body.errors[0]?.pointer).to.equal('/parent');
    });
  });

  describe('waiting for what was spawned', () => {
    it('gives the results, and names the children that failed', async () => {
      const task = await ended('release', { packages: ['one', 'broken-two', 'three'] });
      expect(task).to.deep.include({ state: 'completed', result: 'released 8 files', awaiting: null });
      const children = await deployment.request<{ items: TaskView[] }>('GET', `/api/v1/tasks?parent=${task.id}`);
      expect(children.body.items.map(({ name, state }) => `${name} ${state}`)).to.have.members([
        ...['check completed', 'check failed', 'check completed'],
        'announce completed',
      ]);
    });
  });

  describe('a child under its parent’s reservation', () => {
    it('has the resource at once, and hands its fence back', async () => {
      const task = await ended('update', { repository: 'lent' });
      expect(task).to.include({ state: 'completed' });
      const { before, rebuilt, after } = task.result as Record<string, number>;
      expect(rebuilt).to.be.greaterThan(before!);
      expect(after).to.equal(rebuilt);
    });
  });

  describe('workflows', () => {
    const post = <T>(tasks: object) => deployment.request<T>('POST', '/api/v1/workflows', { tasks });
    interface Submitted {
      group: { id: string; href: string };
      members: Record<string, { id: string }>;
    }
    const upload = (to: string, more: object = {}) => ({
      name: 'upload',
      kwargs: { file: to === 'nowhere' ? 'a' : '', to },
      ...more,
    });

    it('hand on what was returned', async () => {
      const workflow = await countAll(deployment.url, ['one two', 'three', 'four five six']);
      const group = await workflow.wait({ timeout: 60 });
      expect(group.counts).to.include({ completed: 4 });
      expect(await workflow.members.sum?.result()).to.equal(6);
    });

    it('skip what comes after a failure, however deep, and run what only waits for the end', async () => {
      const { body, status } = await post<Submitted>({
        fails: upload('nowhere'),
        vain: { name: 'sum', after: ['fails'] },
        deep: { name: 'sum', after: ['vain'] },
        tidy: { name: 'sum', after: ['fails', 'deep'], join: 'all-final' },
        other: { name: 'count', kwargs: { words: 'x' } },
        any: { name: 'sum', after: ['fails', 'other'], join: 'any-success' },
      });
      expect(status).to.equal(202);
      const ends = await Promise.all(
        Object.entries(body.members).map(async ([node, { id }]) => {
          const { state, reason } = await deployment.final(id);
          return [node, state, reason];
        }),
      );
      expect(ends).to.have.deep.members([
        ['fails', 'failed', null],
        ['vain', 'skipped', 'dependency-failed'],
        ['deep', 'skipped', 'dependency-failed'],
        ['tidy', 'completed', null],
        ['other', 'completed', null],
        ['any', 'completed', null],
      ]);
      const group = await deployment.request<{ total: number; done: number }>('GET', body.group.href);
      expect(group.body).to.include({ total: 6, done: 6 });
    });

    it('are refused with the cycle, and with a name that nobody has', async () => {
      const cycle = await post<{ detail: string }>({
        a: { name: 'sum', after: ['c'] },
        b: { name: 'sum', after: ['a'] },
        c: { name: 'sum', after: ['b'] },
      });
      expect(cycle.status).to.equal(400);
      expect(cycle.body.detail).to.contain('a after c after b after a');
      const unknown = await post<{ detail: string }>({ first: { name: 'sum' }, b: { name: 'sum', after: ['frist'] } });
      expect(unknown.body.detail).to.contain('did you mean "first"?');
    });

    it('are cancelled as a whole, and a family with its eldest', async () => {
      const { body } = await post<Submitted>({
        a: { name: 'reindex', kwargs: { repository: 'w', ms: 60_000 } },
        b: { name: 'sum', after: ['a'] },
      });
      await until('a runs', async () => (await deployment.task(body.members.a?.id ?? '')).state === 'running');
      expect((await deployment.request('POST', `${body.group.href}/cancel`, {})).status).to.equal(202);
      for (const node of ['a', 'b'])
        expect(await deployment.final(body.members[node]?.id ?? '')).to.include({ state: 'canceled' });
      const eldest = await ended('count', { words: 'x' });
      const child = await deployment.submit({ name: 'count', kwargs: { words: 'x' }, parent: eldest.id, countdown: 600 });
      const grandchild = await deployment.submit({ name: 'count', kwargs: { words: 'x' }, parent: child.id, countdown: 600 });
      expect((await deployment.request('POST', `/api/v1/tasks/${eldest.id}/cancel?tree=true`, {})).status).to.equal(202);
      for (const { id } of [child, grandchild])
        expect(await deployment.task(id)).to.include({ state: 'canceled', reason: 'user' });
    });
  });

  describe('unique keys', () => {
    const submit = (kwargs: object, more: object = {}) =>
      deployment.request<TaskView & { code: string }>('POST', '/api/v1/tasks', { name: 'reindex', kwargs, ...more });

    it('give the one that waits to everybody who asks, and another one once it runs', async () => {
      const delayed = { countdown: 600 };
      const first = await submit({ repository: 'a' }, delayed);
      const again = await Promise.all(Array.from({ length: 5 }, () => submit({ repository: 'a' })));
      expect(first.status).to.equal(202);
      expect(new Set(again.map(({ body }) => body.id))).to.deep.equal(new Set([first.body.id]));
      expect((await submit({ repository: 'b' }, delayed)).body.id).not.to.equal(first.body.id);
      await deployment.request('POST', `/api/v1/tasks/${first.body.id}/cancel`, {});
      const next = await submit({ repository: 'a', ms: 60_000 });
      expect(next.body.id).not.to.equal(first.body.id);
      await until('it runs', async () => (await deployment.task(next.body.id)).state === 'running');
      const behind = await submit({ repository: 'a' }, delayed);
      expect(behind.body.id).not.to.equal(next.body.id);
    });

    it('refuse the second one where it says so, and name the first', async () => {
      const unique = { key: 'mine', while: 'open', onConflict: 'reject' };
      const first = await submit({ repository: 'c' }, { unique, countdown: 600 });
      const second = await submit({ repository: 'd' }, { unique });
      expect([first.status, second.status, second.body.code]).to.deep.equal([202, 409, 'CONFLICT']);
      expect(JSON.stringify(second.body)).to.contain(first.body.id);
    });
  });

  describe('time limits', () => {
    for (const pool of ['prefork', 'async'] as const) {
      describe(`in the pool ${pool}`, () => {
        const queue = `q-${pool}`;
        before(() => void deployment.start('worker', ['-n', `w-${pool}`, '-c', '2', '-Q', queue, '--pool', pool]));

        it('let a body end in order at the soft one', async () => {
          const task = await ended('index', { pages: 1_000 }, { queue });
          expect(task).to.include({ state: 'completed' });
          expect(task.result).to.include({ complete: false });
          expect(task.timeLimit).to.equal(10);
        });

        it('end a body that reports nothing any more, and its slot works on', async () => {
          const stuck = await ended('index', { pages: 5, stuckAt: 2 }, { queue, softTimeLimit: 8, stallAfter: 1 });
          expect(stuck).to.include({ state: 'failed', reason: 'timeout' });
          expect(stuck.error?.code).to.equal('STALLED');
          expect(await ended('index', { pages: 1 }, { queue })).to.deep.include({ state: 'completed', worker: `w-${pool}` });
        });

        it('kill it at the hard one, and a retry policy tries it again', async () => {
          const wish = { queue, softTimeLimit: 0.5, timeLimit: 1, maxAttempts: 2, retry: { delay: 0 } };
          const task = await ended('index', { pages: 5, stuckAt: 0 }, wish);
          expect(task).to.include({ state: 'failed', reason: 'timeout', attempt: 2 });
          expect(task.attempts.map(({ reason }) => reason)).to.deep.equal(['timeout', 'timeout']);
          expect(task.attempts[0]?.error?.code).to.equal('TIME_LIMIT');
        });
      });
    }
  });
});
