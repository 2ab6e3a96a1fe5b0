import { expect } from 'chai';
import { Type } from 'typebox';

import { InterlockError } from '../../../src/core/errors.js';
import type { NewTask } from '../../../src/core/task.js';
import { prepare, type SubmissionDeps } from '../../../src/dispatch/submission.js';
import { catalogueOf } from '../../../src/dispatch/type-catalogue.js';
import { defineTask } from '../../../src/tasks/define-task.js';
import { Registry } from '../../../src/tasks/registry.js';

const handler = () => null;

const careful = defineTask({ name: 'careful', handler });
const train = defineTask({
  name: 'train',
  input: Type.Object({ gpus: Type.Integer() }),
  resources: ({ gpus }) => ({ counted: { gpu: gpus } }),
  concurrency: 5,
  handler,
});
const keyed = defineTask({
  name: 'keyed',
  input: Type.Object({ host: Type.String() }),
  concurrency: {
    max: 2,
    key: ({ host }) => {
      if (host === 'gone') throw new Error('there is none');
      return `host:${host}`;
    },
  },
  handler,
});
const brokenLimit = defineTask({ name: 'broken.limit', concurrency: 0, handler });

const deps: SubmissionDeps = {
  types: catalogueOf(Registry.of(careful, train, keyed, brokenLimit)),
  now: () => new Date('2026-03-01T12:00:00.000Z'),
  newId: () => 'the-id',
  hash: text => text,
};

function accepted(body: unknown, change: Partial<SubmissionDeps> = {}): Promise<NewTask> {
  return prepare(body, { principal: 'anonymous', correlationId: 'request-1' }, { ...deps, ...change });
}

describe('Units and limits of a submission', () => {
  const there = new Map([
    ['gpu', 4],
    ['a/licence', 1],
  ]);
  const unitsOf: SubmissionDeps['unitsOf'] = names =>
    Promise.resolve(new Map([...there].filter(([name]) => names.includes(name))));
  const limit = (key: string, capacity: number) => ({ name: `concurrency:${key}`, units: 1, capacity });

  it('become counted claims; a type without a key has its own name for one', async () => {
    const task = await accepted({ name: 'train', kwargs: { gpus: 2 }, counted: { 'a/licence': 1 } }, { unitsOf });
    expect(task.waitingFor).to.equal('resources');
    expect(task.counted).to.deep.equal([{ name: 'a/licence', units: 1 }, { name: 'gpu', units: 2 }, limit('train', 5)]);
    expect((await accepted({ name: 'keyed', kwargs: { host: 'a' } })).counted).to.deep.equal([limit('host:a', 2)]);
    const own = { name: 'keyed', kwargs: { host: 'a' }, concurrency: { key: 'mine', max: 7 } };
    expect((await accepted(own)).counted).to.deep.equal([limit('mine', 7)]);
    expect(await accepted({ name: 'careful' })).to.not.have.property('counted');
  });

  it('are not judged by what there is where nobody asks, as at the slot of a schedule', async () => {
    expect((await accepted({ name: 'careful', counted: { none: 9 } })).counted).to.deep.equal([{ name: 'none', units: 9 }]);
  });

  const cases: [what: string, body: object, problem: string][] = [
    ['more units than there are', { name: 'careful', counted: { gpu: 5 } }, '/counted/gpu too_many'],
    ['units of what nobody declared', { name: 'careful', counted: { 'a/b': 1 } }, '/counted/a~1b not_declared'],
    ['too many units that the type adds', { name: 'train', kwargs: { gpus: 5 } }, '/kwargs too_many'],
    ['no units', { name: 'careful', counted: { gpu: 0 } }, '/counted/gpu number_range'],
    ['no units that the type adds', { name: 'train', kwargs: { gpus: 0 } }, '/kwargs bad_units'],
    ['part of a unit', { name: 'careful', counted: { gpu: 1.5 } }, '/counted/gpu type_mismatch'],
    ['units as a list', { name: 'careful', counted: ['gpu'] }, '/counted type_mismatch'],
    ['units of a pattern', { name: 'careful', counted: { 'gpu/**': 1 } }, '/counted/gpu~1** bad_resource'],
    ['units of what is also exclusive', { name: 'careful', counted: { gpu: 1 }, exclusive: ['gpu'] }, '/counted/gpu ambiguous'],
    ['the name of a limit', { name: 'careful', exclusive: ['concurrency:x'] }, '/exclusive/0 bad_resource'],
    ['a limit of none', { name: 'careful', concurrency: { key: 'k', max: 0 } }, '/concurrency/max number_range'],
    ['a limit without a key', { name: 'careful', concurrency: { max: 1 } }, '/concurrency/key required'],
    ['a limit as a number', { name: 'careful', concurrency: 5 }, '/concurrency type_mismatch'],
    ['a limit key that is no name', { name: 'careful', concurrency: { key: 'a\nb', max: 1 } }, '/concurrency/key bad_resource'],
    ['a type whose limit is none', { name: 'broken.limit' }, '/concurrency number_range'],
    ['a type whose key throws', { name: 'keyed', kwargs: { host: 'gone' } }, '/kwargs concurrency'],
  ];
  for (const [what, body, problem] of cases) {
    it(`refuses ${what}`, async () => {
      const error = await accepted(body, { unitsOf }).then(
        () => undefined,
        (reason: unknown) => reason,
      );
      if (!(error instanceof InterlockError)) return expect.fail(`not refused, but ${String(error)}`);
      const [first] = error.errors;
      expect(`${first?.pointer ?? ''} ${first?.reason ?? ''}`).to.equal(problem);
    });
  }
});
