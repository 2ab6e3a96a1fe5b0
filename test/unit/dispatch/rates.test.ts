import { expect } from 'chai';
import { Type } from 'typebox';

import { InterlockError } from '../../../src/core/errors.js';
import type { NewTask } from '../../../src/core/task.js';
import { prepare } from '../../../src/dispatch/submission.js';
import { catalogueOf } from '../../../src/dispatch/type-catalogue.js';
import { defineTask } from '../../../src/tasks/define-task.js';
import type { TaskDefinition } from '../../../src/tasks/definition.js';
import { Registry } from '../../../src/tasks/registry.js';

const handler = () => null;
const plain: TaskDefinition = { kind: 'interlock.task', name: 'calculator.add', plain: true, handler };
const mail = defineTask({
  name: 'mail',
  input: Type.Object({ to: Type.String() }),
  rateLimit: '3/s',
  rateKey: ({ to }) => {
    if (to === 'nobody') throw new Error('who?');
    return to === 'type' ? undefined : `mail:${to}`;
  },
  handler,
});

const types = catalogueOf(Registry.of(mail, plain));

const accepted = (body: object): Promise<NewTask> =>
  prepare(
    body,
    { principal: 'anonymous', correlationId: 'request-1' },
    { types, now: () => new Date(0), newId: () => 'the-id', hash: text => text },
  );

async function refused(body: object): Promise<InterlockError> {
  const error = await accepted(body).then(
    () => undefined,
    (thrown: unknown) => thrown,
  );
  return error instanceof InterlockError ? error : expect.fail(`accepted: ${JSON.stringify(body)}`);
}

/** The first thing wrong, as `pointer reason`. */
async function wrong(body: object): Promise<string> {
  const [first] = (await refused(body)).errors;
  return `${first?.pointer ?? ''} ${first?.reason ?? ''}`;
}

describe('Preparing a submission with a rate limit', () => {
  it('is the type’s under the key that it computes, or the one of the body', async () => {
    const of = async (to: string, more: object = {}) => (await accepted({ name: 'mail', kwargs: { to }, ...more })).rate;
    expect(await of('ann')).to.deep.equal({ key: 'mail:ann', count: 3, perMs: 1_000 });
    expect(await of('type')).to.deep.equal({ key: 'mail', count: 3, perMs: 1_000 });
    expect(await of('ann', { rateKey: 'e\u0301', rateLimit: '5/10s' })).to.deep.equal({ key: 'é', count: 5, perMs: 10_000 });
  });

  it('sends a task to the resource manager that reserves nothing, unless it has to wait for its time', async () => {
    const limited = { name: 'calculator.add', rateLimit: '1/d' };
    expect(await accepted(limited)).to.deep.include({
      waitingFor: 'resources',
      rate: { key: 'calculator.add', count: 1, perMs: 86_400_000 },
    });
    expect(await accepted({ ...limited, countdown: 5 })).to.include({ waitingFor: 'delay' });
    expect(await accepted({ name: 'calculator.add' })).not.to.have.property('rate');
  });

  const refusals: [what: string, body: object, wrong: string][] = [
    ['no rate', { rateLimit: 'often' }, '/rateLimit rate'],
    ['no starts at all', { rateLimit: '0/s' }, '/rateLimit rate'],
    ['a number', { rateLimit: 10 }, '/rateLimit type_mismatch'],
    ['a key alone', { rateKey: 'k' }, '/rateKey rate'],
    ['an empty key', { rateLimit: '1/s', rateKey: '' }, '/rateKey too_short'],
    ['a key of 256 characters', { rateLimit: '1/s', rateKey: 'k'.repeat(256) }, '/rateKey too_long'],
    ['a retry that keeps its grant', { rateLimit: '1/s', retry: { holdWhileRetrying: true } }, '/retry/holdWhileRetrying rate'],
  ];
  for (const [what, body, expected] of refusals)
    it(`refuses ${what}`, async () => expect(await wrong({ name: 'calculator.add', ...body })).to.equal(expected));

  it('refuses an input from which the type cannot compute the key, or computes none that is one', async () => {
    expect(await wrong({ name: 'mail', kwargs: { to: 'nobody' } })).to.equal('/kwargs rate');
    expect(await wrong({ name: 'mail', kwargs: { to: 'x'.repeat(300) } })).to.equal('/rateKey too_long');
  });

  it('says what is expected', async () => {
    const [error] = (await refused({ name: 'calculator.add', rateLimit: '10 per second' })).errors;
    expect(error?.detail).to.include('"10/s", "100/m", "5/10s"');
  });
});
