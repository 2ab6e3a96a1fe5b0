import { expect } from 'chai';

import type { Origin } from '../../../src/dispatch/submission.js';
import { accepted, NOW, refused } from './submitting.js';

describe('Preparing a submission', () => {
  it('fills in everything of a plain task that its body leaves out', async () => {
    expect(await accepted({ name: 'calculator.add', args: [1, 2] })).to.deep.equal({
      id: 'the-id',
      name: 'calculator.add',
      args: [1, 2],
      kwargs: {},
      queue: 'default',
      priority: 4,
      exclusive: [],
      shared: [],
      state: 'waiting',
      waitingFor: 'worker',
      attempt: 0,
      maxAttempts: 1,
      onWorkerLoss: 'cancel',
      attempts: [],
      progress: [],
      createdResources: [],
      tags: [],
      correlationId: 'request-1',
    });
  });

  it('adds the resources that the type computes to those of the body, in canonical form', async () => {
    const task = await accepted({
      name: 'repository.sync',
      kwargs: { repository: 'a' },
      exclusive: ['z', 'origin', 'z'],
      shared: ['b'],
    });
    expect(task).to.deep.include({ exclusive: ['origin', 'repository:a', 'z'], shared: ['b'], waitingFor: 'resources' });
  });

  it('takes what the type presets, and lets the caller win over it', async () => {
    expect(await accepted({ name: 'careful' })).to.deep.include({
      queue: 'slow',
      priority: 9,
      onWorkerLoss: 'requeue',
      maxAttempts: 3,
      tags: ['a'],
    });
    expect(await accepted({ name: 'careful', priority: 0, onWorkerLoss: 'cancel', tags: ['b', 'b'] })).to.deep.include({
      queue: 'slow',
      priority: 0,
      onWorkerLoss: 'cancel',
      maxAttempts: 1,
      tags: ['b'],
    });
  });

  it('blames the type, not the caller, for a preset that cannot be', async () => {
    expect((await refused({ name: 'broken.preset' })).message).to.include('the preset of the task type "broken.preset"');
  });

  describe('time', () => {
    const at = (seconds: number) => new Date(NOW.getTime() + seconds * 1_000);

    for (const [given, due] of [
      [{ countdown: 5 }, at(5)],
      [{ countdown: 'PT1M30S' }, at(90)],
      [{ countdown: 'P1DT0.5S' }, at(86_400.5)],
      [{ countdown: '2026-03-01T13:00:00+01:00' }, undefined],
      [{ countdown: 0 }, undefined],
      [{ eta: '2026-03-01T12:00:10Z' }, at(10)],
      [{ eta: '2020-01-01T00:00:00Z' }, undefined],
    ] as const) {
      it(`waits for ${due ? 'the delay' : 'no delay'} with ${JSON.stringify(given)}`, async () => {
        const task = await accepted({ name: 'calculator.add', ...given });
        expect(task.dueAt).to.deep.equal(due);
        expect(task.waitingFor).to.equal(due ? 'delay' : 'worker');
      });
    }

    it('expires at a time or after seconds, counted from now', async () => {
      expect((await accepted({ name: 'calculator.add', expires: 60 })).expiresAt).to.deep.equal(at(60));
      expect((await accepted({ name: 'calculator.add', expires: '2026-03-01T12:01:00Z' })).expiresAt).to.deep.equal(at(60));
    });
  });

  it('leaves type and input alone where the submitter has checked them', async () => {
    const task = await accepted({ name: 'unheard.of', kwargs: { any: 1 }, exclusive: ['a'] }, {}, { types: undefined });
    expect(task).to.deep.include({ name: 'unheard.of', kwargs: { any: 1 }, exclusive: ['a'] });
    expect((await refused({ name: 'unheard.of', priority: 11 }, { types: undefined })).code).to.equal('VALIDATION_FAILED');
  });

  describe('origin', () => {
    it('carries parent, root and schedule into the record', async () => {
      const slot = new Date('2026-03-01T12:00:00Z');
      const parent = { id: 'p', root: 'r', priority: 7 };
      const task = await accepted({ name: 'calculator.add' }, { parent, schedule: { id: 's', slot } });
      expect(task).to.deep.include({ parent: 'p', root: 'r', priority: 7, schedule: { id: 's', slot } });
      expect((await accepted({ name: 'careful' }, { parent })).priority, 'that of its type').to.equal(9);
      expect((await accepted({ name: 'calculator.add', priority: 0 }, { parent })).priority, 'its own').to.equal(0);
    });

    it('hashes the body so that the order of its keys does not matter, but everything else does', async () => {
      const hashOf = async (body: unknown, from: Partial<Origin> = {}) =>
        (await accepted(body, { idempotencyKey: 'k', ...from })).idempotency?.bodyHash;
      const first = await hashOf({ name: 'calculator.add', kwargs: { a: 1, b: [1, { c: 2, d: 3 }] } });
      expect(await hashOf({ kwargs: { b: [1, { d: 3, c: 2 }], a: 1 }, name: 'calculator.add' })).to.equal(first);
      expect(await hashOf({ name: 'calculator.add', kwargs: { a: 1, b: [1, { c: 2, d: 4 }] } })).to.not.equal(first);
      expect(await hashOf({ name: 'calculator.add' }, { keyedBody: ['the whole batch'] })).to.equal(
        'hash of ["the whole batch"]',
      );
    });

    it('keeps no idempotency where no key was given', async () => {
      expect(await accepted({ name: 'calculator.add' })).to.not.have.property('idempotency');
    });
  });
});
