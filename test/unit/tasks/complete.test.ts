import { expect } from 'chai';
import { Type } from 'typebox';

import type { JsonObject } from '../../../src/core/json.js';
import { completed } from '../../../src/tasks/complete.js';
import { defineTask } from '../../../src/tasks/define-task.js';
import { Registry } from '../../../src/tasks/registry.js';

const sync = defineTask({
  name: 'sync',
  input: Type.Object({ repository: Type.String() }),
  resources: ({ repository }) => ({ exclusive: [`repository:${repository}`] }),
  queue: 'slow',
  maxAttempts: 5,
  retry: { delay: 2 },
  handler: () => null,
});
const mail = defineTask({
  name: 'mail',
  input: Type.Object({ to: Type.String() }),
  rateLimit: '3/s',
  rateKey: ({ to }) => `mail:${to}`,
  handler: () => null,
});
const train = defineTask({
  name: 'train',
  input: Type.Object({ gpus: Type.Integer() }),
  resources: ({ gpus }) => ({ counted: { gpu: gpus, licence: 1 } }),
  concurrency: { max: 2, key: ({ gpus }) => `train:${gpus}` },
  handler: () => null,
});
const registry = Registry.of(sync, mail, train);
const complete = (body: JsonObject): Promise<JsonObject> => completed(body, registry);

describe('what a task spawns', () => {
  it('has the presets of its type, and the resources that the type computes', async () => {
    expect(await complete({ name: 'sync', kwargs: { repository: 'a' }, parent: 'p' })).to.deep.equal({
      name: 'sync',
      kwargs: { repository: 'a' },
      parent: 'p',
      queue: 'slow',
      maxAttempts: 5,
      retry: { delay: 2 },
      exclusive: ['repository:a'],
    });
  });

  it('has the rate key that its type computes, unless the caller gives one', async () => {
    const spawned = { name: 'mail', kwargs: { to: 'ann' } };
    expect(await complete(spawned)).to.deep.include({ rateLimit: '3/s', rateKey: 'mail:ann' });
    expect(await complete({ ...spawned, rateKey: 'all', rateLimit: '1/s' })).to.include({ rateLimit: '1/s', rateKey: 'all' });
  });

  it('keeps what the caller gives, and adds its resources to those', async () => {
    const body = await complete({ name: 'sync', kwargs: { repository: 'a' }, queue: 'fast', exclusive: ['x'], shared: ['y'] });
    expect(body).to.deep.include({ queue: 'fast', exclusive: ['x', 'repository:a'], shared: ['y'] });
  });

  it('counts what its type counts, or more where the caller asks for that, and has its limit', async () => {
    expect(await complete({ name: 'train', kwargs: { gpus: 2 }, counted: { gpu: 1, licence: 3, tpu: 1 } })).to.deep.include({
      counted: { gpu: 2, licence: 3, tpu: 1 },
      concurrency: { max: 2, key: 'train:2' },
    });
    const own = { key: 'mine', max: 9 };
    expect(await complete({ name: 'train', kwargs: { gpus: 2 }, concurrency: own })).to.deep.include({ concurrency: own });
  });

  it('is refused with an input that the type refuses, and of a type that nobody here knows', async () => {
    const refusal = async (body: JsonObject): Promise<string> =>
      complete(body).then(
        () => 'accepted',
        (error: unknown) => (error as { code: string }).code,
      );
    expect(await refusal({ name: 'sync', kwargs: { repository: 7 } })).to.equal('VALIDATION_FAILED');
    expect(await refusal({ name: 'unheard.of' })).to.equal('UNKNOWN_TASK_TYPE');
    expect(await refusal({})).to.equal('UNKNOWN_TASK_TYPE');
  });

  it('is left to the check of the whole body where it is none', async () => {
    for (const body of [
      { name: 'sync', args: 'x' },
      { name: 'sync', kwargs: [] },
      { name: 'sync', kwargs: null },
    ])
      expect(await complete(body)).to.deep.equal(body);
  });
});
