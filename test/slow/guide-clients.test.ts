import { fileURLToPath } from 'node:url';

import { expect } from 'chai';

import { firstEnds, watch } from '../../docs/examples/following.js';
import { startSync } from '../../docs/examples/ported-sync.js';
import { Deployment } from '../support/deployment.js';
import { until } from '../support/wait.js';

const EXAMPLES = ['limits', 'ported-sync', 'workflow'].map(name =>
  fileURLToPath(new URL(`../../docs/examples/${name}.ts`, import.meta.url)),
);

/** Of docs/tasks.md and the guides, what is a client's. */
describe('the examples of clients', function () {
  this.timeout(240_000);
  let deployment: Deployment;

  before(async () => {
    deployment = await Deployment.create({ timingScale: 1, taskModules: EXAMPLES });
    await deployment.startAll();
  });
  after(() => deployment.destroy());

  describe('following', () => {
    it('shows a task as it is, what its body reports, and its end', async () => {
      const seen = await watch(deployment.url, 'index', { pages: 5 });
      expect(seen.at(-1)).to.equal('completed');
      expect(seen)
        .to.include('running')
        .and.satisfy((all: string[]) => all.some(each => each.startsWith('progress ')));
      expect(seen.indexOf('completed')).to.equal(seen.length - 1);
    });

    it('shows the ends of those that match', async () => {
      const reading = firstEnds(deployment.url, 'batch', 2);
      await until('it to be connected', async () => {
        const status = await deployment.request<{ events: { readers: number } }>('GET', '/api/v1/status');
        return status.body.events.readers > 0;
      });
      const asked = [await deployment.submit({ name: 'count', kwargs: { words: 'x' } })];
      for (const words of ['x', 'y']) asked.push(await deployment.submit({ name: 'count', kwargs: { words }, tags: ['batch'] }));
      expect(await reading).to.have.members(asked.slice(1).map(({ id }) => id));
    });
  });

  describe('a port of a sync', () => {
    it('locks its repository alone, shares its remote, and tells what it made', async () => {
      const started = await Promise.all(['a', 'b'].map(file => startSync(deployment.url, 'fedora', 'flaky', [file])));
      const other = await startSync(deployment.url, 'centos', 'flaky', ['c']);
      // The second asked while the first waited: one sync serves both.
      const hrefs = [...new Set([...started, other].map(({ task }) => task))];
      const tasks = await Promise.all(hrefs.map(href => deployment.final(href.split('/').at(-1) ?? '')));
      for (const task of tasks) {
        expect(task).to.deep.include({ state: 'completed', attempt: 2, shared: ['/remotes/flaky'], tags: ['sync'] });
        expect(task.createdResources).to.deep.equal([(task.result as { version: string }).version]);
        expect(task.progress).to.deep.equal([
          { code: 'sync.downloading', message: 'Downloading', done: 1, total: 1, suffix: 'files', state: 'completed' },
        ]);
      }
    });

    it('never runs twice at a time on a repository', async () => {
      const started = await Promise.all([1, 2, 3, 4].map(n => startSync(deployment.url, 'debian', `remote ${n}`, ['a', 'b'])));
      const tasks = await Promise.all(started.map(({ task }) => deployment.final(task.split('/').at(-1) ?? '')));
      expect(new Set(tasks.map(({ id }) => id)).size).to.equal(4);
      tasks.sort((a, b) => Date.parse(a.startedAt ?? '') - Date.parse(b.startedAt ?? ''));
      for (const [n, { startedAt }] of tasks.entries()) {
        if (n > 0) expect(Date.parse(startedAt ?? '')).to.be.at.least(Date.parse(tasks[n - 1]!.finishedAt ?? ''));
      }
      const numbers = tasks.map(({ result }) => Number((result as { version: string }).version.split('/').at(-2)));
      expect(numbers).to.deep.equal([...new Set(numbers)].sort((a, b) => a - b));
    });
  });
});
