import { expect } from 'chai';
import { Type } from 'typebox';

import { InterlockError } from '../../../src/core/errors.js';
import type { NewTask } from '../../../src/core/task.js';
import { prepare, type Origin, type SubmissionDeps } from '../../../src/dispatch/submission.js';
import { catalogueOf } from '../../../src/dispatch/type-catalogue.js';
import { defineTask } from '../../../src/tasks/define-task.js';
import type { TaskDefinition } from '../../../src/tasks/definition.js';
import { Registry } from '../../../src/tasks/registry.js';

const NOW = new Date('2026-03-01T12:00:00.000Z');
const handler = () => null;

const sync = defineTask({
  name: 'repository.sync',
  input: Type.Object({ repository: Type.String() }, { additionalProperties: false }),
  resources: ({ repository }) => {
    if (repository === 'gone') throw new Error('there is none');
    return { exclusive: [`repository:${repository}`], shared: ['origin'] };
  },
  handler,
});
const careful = defineTask({ name: 'careful', queue: 'slow', priority: 9, onWorkerLoss: 'requeue', tags: ['a'], handler });
const brokenPreset = defineTask({ name: 'broken.preset', priority: 99, handler });
const plain: TaskDefinition = { kind: 'interlock.task', name: 'calculator.add', plain: true, handler };

const deps: SubmissionDeps = {
  types: catalogueOf(Registry.of(sync, careful, brokenPreset, plain)),
  now: () => NOW,
  newId: () => 'the-id',
  hash: text => `hash of ${text}`,
};
const origin: Origin = { principal: 'anonymous', correlationId: 'request-1' };

const accepted = (body: unknown, from: Partial<Origin> = {}, change: Partial<SubmissionDeps> = {}): Promise<NewTask> =>
  prepare(body, { ...origin, ...from }, { ...deps, ...change });

async function refused(body: unknown, change: Partial<SubmissionDeps> = {}): Promise<InterlockError> {
  try {
    await accepted(body, {}, change);
  } catch (error) {
    expect(error).to.be.instanceOf(InterlockError);
    return error as InterlockError;
  }
  throw new Error(`accepted: ${JSON.stringify(body)}`);
}

/** The first thing wrong, as `pointer reason`. */
async function wrong(body: unknown): Promise<string> {
  const [first] = (await refused(body)).errors;
  return `${first?.pointer ?? ''} ${first?.reason ?? ''}`;
}

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

    for (const [given, problem] of [
      [{ countdown: -1 }, '/countdown number_range'],
      [{ countdown: 1e12 }, '/countdown number_range'],
      [{ countdown: 'P1Y' }, '/countdown duration_format'],
      [{ countdown: 'PT' }, '/countdown duration_format'],
      [{ countdown: '' }, '/countdown date_invalid'],
      [{ countdown: '10 minutes' }, '/countdown date_invalid'],
      [{ countdown: 1, eta: '2026-03-01T12:00:10Z' }, '/countdown ambiguous'],
      [{ eta: '2026-03-01T12:00:10' }, '/eta date_invalid'],
      [{ eta: '2026-02-30T12:00:00Z' }, '/eta date_invalid'],
      [{ eta: '2026-13-01T12:00:00Z' }, '/eta date_invalid'],
      [{ eta: '20000-01-01T00:00:00Z' }, '/eta date_invalid'],
      [{ eta: '2999-01-01T00:00:00Z' }, '/eta date_invalid'],
      [{ eta: 5 }, '/eta type_mismatch'],
      [{ expires: 0 }, '/expires date_invalid'],
      [{ expires: '2020-01-01T00:00:00Z' }, '/expires date_invalid'],
      [{ expires: 5, countdown: 10 }, '/expires date_invalid'],
    ] as const) {
      it(`refuses ${JSON.stringify(given)}`, async () => {
        expect(await wrong({ name: 'calculator.add', ...given })).to.equal(problem);
      });
    }
  });

  describe('bodies that are refused', () => {
    const cases: [string, unknown, string][] = [
      ['null', null, ' type_mismatch'],
      ['an array', [], ' type_mismatch'],
      ['no name', {}, '/name required'],
      ['a name of the wrong type', { name: 7 }, '/name type_mismatch'],
      ['an unknown field', { name: 'careful', prioritty: 1 }, '/prioritty unknown_field'],
      ['a number as text', { name: 'careful', priority: '7' }, '/priority type_mismatch'],
      ['null where a number belongs', { name: 'careful', priority: null }, '/priority type_mismatch'],
      ['a priority out of range', { name: 'careful', priority: 10 }, '/priority number_range'],
      ['a fraction', { name: 'careful', priority: 1.5 }, '/priority type_mismatch'],
      ['a scalar for a list', { name: 'careful', exclusive: 'a' }, '/exclusive type_mismatch'],
      ['65 resources in one list', { name: 'careful', exclusive: numbered(65) }, '/exclusive too_many'],
      ['65 resources in two lists', { name: 'careful', exclusive: numbered(64), shared: ['x'] }, '/exclusive too_many'],
      ['an empty resource name', { name: 'careful', shared: ['ok', ''] }, '/shared/1 bad_resource'],
      ['a resource name of 256 bytes', { name: 'careful', exclusive: ['é'.repeat(128)] }, '/exclusive/0 bad_resource'],
      ['a resource name with a control character', { name: 'careful', exclusive: ['a\u0007'] }, '/exclusive/0 bad_resource'],
      ['a resource name with a bidi override', { name: 'careful', exclusive: ['a\u202e'] }, '/exclusive/0 bad_resource'],
      ['a bad queue name', { name: 'careful', queue: 'a b' }, '/queue bad_format'],
      ['no attempts', { name: 'careful', maxAttempts: 0 }, '/maxAttempts number_range'],
      ['too many attempts', { name: 'careful', maxAttempts: 1_001 }, '/maxAttempts number_range'],
      ['an unknown policy', { name: 'careful', onWorkerLoss: 'retry' }, '/onWorkerLoss not_allowed'],
      [
        'requeue with one attempt',
        { name: 'calculator.add', onWorkerLoss: 'requeue', maxAttempts: 1 },
        '/maxAttempts number_range',
      ],
      ['an empty tag', { name: 'careful', tags: [''] }, '/tags/0 too_short'],
      ['input that the type refuses', { name: 'repository.sync', kwargs: { repository: 7 } }, '/kwargs/repository type'],
      ['unknown input', { name: 'repository.sync', kwargs: { repository: 'a', x: 1 } }, '/kwargs/x unknown_field'],
      ['args for a defined task', { name: 'repository.sync', args: [1], kwargs: { repository: 'a' } }, '/args unexpected_args'],
      ['a type whose resources throw', { name: 'repository.sync', kwargs: { repository: 'gone' } }, '/kwargs resources'],
      ['a type whose resources are bad', { name: 'repository.sync', kwargs: { repository: 'a\n' } }, '/kwargs bad_resource'],
    ];
    for (const [what, body, problem] of cases) {
      it(`refuses ${what}`, async () => expect(await wrong(body)).to.equal(problem));
    }

    it('names the nearest known field', async () => {
      expect((await refused({ name: 'careful', prioritty: 1 })).message).to.include('did you mean "priority"?');
    });

    it('tells everything that is wrong at once, up to twenty things', async () => {
      expect((await refused({ name: 'careful', priority: 'x', queue: 7 })).errors).to.have.length(2);
      expect((await refused({ name: 'careful', tags: numbered(60).map(() => 1) })).errors).to.have.length(20);
    });

    it('tells the first thing that is wrong with a large body: all of them took seconds', async () => {
      const error = await refused({ name: 'calculator.add', tags: ['a'], exclusive: Array<number>(10_000).fill(1) });
      expect(error.errors).to.have.length(1);
    });

    it('says which type it was that threw, and what', async () => {
      const { message } = await refused({ name: 'repository.sync', kwargs: { repository: 'gone' } });
      expect(message).to.include('"repository.sync"').and.include('there is none');
    });

    it('answers an unknown type with the nearest known one', async () => {
      const error = await refused({ name: 'repository.sink' });
      expect(error.code).to.equal('UNKNOWN_TASK_TYPE');
      expect(error.message).to.include('Did you mean "repository.sync"?');
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

function numbered(count: number): string[] {
  return Array.from({ length: count }, (_, n) => `r${n}`);
}
