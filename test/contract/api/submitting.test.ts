import { expect } from 'chai';

import { WORKER } from '../store/support.js';
import { until } from '../../support/wait.js';
import type { Answer } from './fixture.js';
import { apiOnMongo } from './on-mongo.js';

describe('The API on MongoDB, submitting', function () {
  this.timeout(60_000);
  const api = apiOnMongo();
  const { send, submit, idOf, read, complete, stored } = api;

  describe('submitting', () => {
    it('answers 202 with the task and where it is, and stores it', async () => {
      const { status, headers, body } = await submit(
        { name: 'repository.sync', kwargs: { repository: 'a' }, shared: ['b'], tags: ['x'] },
        { 'x-request-id': 'my-request' },
      );
      expect(status).to.equal(202);
      expect(headers.location).to.equal(`/api/v1/tasks/${body.id}`);
      expect(headers['x-request-id']).to.equal('my-request');
      expect(body).to.deep.include({
        name: 'repository.sync',
        state: 'waiting',
        waitingFor: 'resources',
        exclusive: ['repository:a'],
        shared: ['b'],
        tags: ['x'],
        correlationId: 'my-request',
        worker: null,
        result: null,
      });
      expect((await send(`/tasks/${body.id}`)).body).to.deep.equal(body);
    });

    it('gives the same task for the same key and body, and 422 for another body', async () => {
      const key = { 'idempotency-key': 'one' };
      const first = await submit({ name: 'calculator.add', args: [1] }, key);
      const second = await submit({ args: [1], name: 'calculator.add' }, key);
      expect([second.status, second.headers['idempotency-replayed'], second.body.id]).to.deep.equal([202, 'true', first.body.id]);
      expect(first.headers).to.not.have.property('idempotency-replayed');
      const other = await submit({ name: 'calculator.add', args: [2] }, key);
      expect([other.status, other.body.code]).to.deep.equal([422, 'IDEMPOTENCY_KEY_REUSED']);
      expect(await stored()).to.equal(1);
    });

    it('makes one task of many requests with one key at once', async () => {
      const answers = await Promise.all(
        Array.from({ length: 20 }, () => submit({ name: 'anything' }, { 'idempotency-key': 'same' })),
      );
      expect(new Set(answers.map(({ body }) => body.id)).size).to.equal(1);
      expect(answers.filter(({ headers }) => headers['idempotency-replayed'] === undefined)).to.have.length(1);
    });

    it('tells with dryRun who would be in the way, and writes nothing', async () => {
      const first = await idOf({ name: 'repository.sync', kwargs: { repository: 'a' } });
      const { status, body } = await send('/tasks?dryRun=true', {
        body: { name: 'repository.sync', kwargs: { repository: 'a' } },
      });
      expect(status).to.equal(200);
      expect(body).to.deep.include({ blockedBy: [first], position: 2 });
      const free = await send('/tasks?dryRun=true', { body: { name: 'anything' } });
      expect(free.body).to.deep.equal({ resources: [], blockedBy: [], position: 1, rate: null });
      const limited = await send('/tasks?dryRun=true', { body: { name: 'anything', rateLimit: '5/10s', rateKey: 'k' } });
      expect((limited.body as unknown as { rate: object }).rate).to.deep.include({ key: 'k', limit: '5/10s', position: 1 });
      expect(await stored()).to.equal(1);
    });

    it('answers 200 when the task is final in time, 202 when not', async () => {
      const waiting = submit({ name: 'anything' }, { prefer: 'wait=30', 'x-request-id': 'waits' });
      const task = await until('the task is stored', async () => {
        const page = await api.store().tasks.list({ correlationId: ['waits'] }, { limit: 1, newestFirst: true });
        return page.items[0];
      });
      await complete(task.id);
      const answer = await waiting;
      expect([answer.status, answer.headers['preference-applied']]).to.deep.equal([200, 'wait=30']);
      expect(answer.body).to.deep.include({ state: 'completed', result: { answer: 42 }, worker: WORKER.worker });
      expect((await submit({ name: 'anything' }, { prefer: 'wait=1' })).status).to.equal(202);
    });

    it('takes a batch, all of it or nothing', async () => {
      const { status, body } = await send('/tasks/batch', {
        body: { tasks: [{ name: 'anything' }, { name: 'calculator.add', args: [1] }] },
      });
      expect(status).to.equal(202);
      expect(body.items.map(({ name }) => name)).to.deep.equal(['anything', 'calculator.add']);
      const bad = await send('/tasks/batch', {
        body: { tasks: [{ name: 'anything' }, { name: 'nope' }, { name: 'anything', priority: 11 }] },
      });
      expect(bad.status).to.equal(400); // its third task does not even have the form of one
      expect(bad.body.errors[0]?.pointer).to.equal('/tasks/2/priority');
      expect(await stored()).to.equal(2);
    });

    it('gives the same batch for the same key, and 422 for a longer, shorter or other one', async () => {
      const batch = (...names: string[]) =>
        send('/tasks/batch', { body: { tasks: names.map(name => ({ name })) }, headers: { 'idempotency-key': 'b' } });
      const ids = ({ body }: Answer) => body.items.map(({ id }) => id);
      const first = await batch('anything', 'calculator.add');
      const again = await batch('anything', 'calculator.add');
      expect(again.headers['idempotency-replayed']).to.equal('true');
      expect(ids(again)).to.deep.equal(ids(first));
      for (const names of [['anything'], ['anything', 'calculator.add', 'anything'], ['calculator.add', 'anything']]) {
        expect((await batch(...names)).status, names.join()).to.equal(422);
      }
      expect(await stored()).to.equal(2);
      // The key of a batch is no key of its single tasks.
      expect((await submit({ name: 'anything' }, { 'idempotency-key': 'b' })).status).to.equal(202);
    });

    it('counts a countdown by the clock of the database', async () => {
      const { body } = await submit({ name: 'anything', countdown: 3_600 });
      expect(body).to.include({ waitingFor: 'delay', readyAt: null });
      const { dueAt, createdAt } = await read(body.id);
      expect(dueAt!.getTime() - createdAt.getTime()).to.be.within(3_590_000, 3_610_000);
    });
  });
});
