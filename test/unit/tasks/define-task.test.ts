import { expect } from 'chai';
import { Type } from 'typebox';

import type { Json } from '../../../src/core/json.js';
import { defineTask } from '../../../src/tasks/define-task.js';
import type { ResultOf, StandardSchema, TaskDefinition } from '../../../src/tasks/definition.js';
import { runTask } from '../../../src/tasks/run-task.js';

type Equal<A, B> = (<T>() => T extends A ? 1 : 2) extends <T>() => T extends B ? 1 : 2 ? true : false;
/** Compiles only where the two types are the same. */
const same = <A, B>(answer: Equal<A, B>): void => void expect(answer).to.equal(true);

interface Given {
  url: string;
  force?: boolean | undefined;
}

/** As zod would make it: a default is filled in, text becomes an address. */
const addressed: StandardSchema<Given, { url: URL; force: boolean }> = {
  '~standard': {
    version: 1,
    vendor: 'test',
    validate: value => {
      const { url, force = false } = value as Given;
      return URL.canParse(url) ? { value: { url: new URL(url), force } } : { issues: [{ message: 'no address', path: ['url'] }] };
    },
  },
};

const typebox = defineTask({
  name: 'typebox',
  input: Type.Object({ repository: Type.String(), depth: Type.Optional(Type.Number()) }),
  resources: ({ repository }) => ({ exclusive: [repository] }),
  handler: ({ repository }, ctx) => ({ repository, attempt: ctx.attempt }),
});

const standard = defineTask({
  name: 'standard',
  input: addressed,
  handler: ({ url, force }) => Promise.resolve(`${url.host} ${force}`),
});

const literal = defineTask({
  name: 'literal',
  input: { type: 'object', properties: { a: { type: 'string' } }, required: ['a'] },
  handler: input => input.a.length,
});

const unchecked = defineTask({ name: 'unchecked', handler: input => input.anything ?? null });

describe('defineTask', () => {
  it('infers input and result from TypeBox, a Standard Schema and a literal JSON Schema', () => {
    same<typeof typebox, TaskDefinition<{ depth?: number; repository: string }, { repository: string; attempt: number }>>(true);
    same<typeof standard, TaskDefinition<Given, string>>(true);
    same<ResultOf<typeof literal>, number>(true);
    same<ResultOf<typeof unchecked>, Json>(true);
  });

  it('gives the handler what the schema makes of the input', async () => {
    expect(await runTask(standard, { url: 'http://host/path' })).to.equal('host false');
    expect(await runTask(literal, { a: 'abc' })).to.equal(3);
    expect(await runTask(unchecked, { anything: [1] })).to.deep.equal([1]);
  });

  it('lets the compiler refuse wrong input', () => {
    const wrong = [
      // @ts-expect-error a number is no repository
      () => runTask(typebox, { repository: 1 }),
      // @ts-expect-error the address is missing
      () => runTask(standard, { force: true }),
      // @ts-expect-error a is missing
      () => runTask(literal, {}),
      // @ts-expect-error the handler's input has no such field
      () => defineTask({ name: 'x', input: Type.Object({ a: Type.String() }), handler: ({ b }) => String(b) }),
    ];
    expect(wrong).to.have.length(4);
  });

  it('keeps the defaults of the type and cannot be changed afterwards', () => {
    const task = defineTask({ name: 'x', queue: 'slow', maxAttempts: 3, onWorkerLoss: 'requeue', handler: () => null });
    expect(task).to.include({ kind: 'interlock.task', plain: false, queue: 'slow', maxAttempts: 3, onWorkerLoss: 'requeue' });
    expect(task).to.be.frozen;
  });

  for (const name of ['', 'two words', 'x'.repeat(201), 'ümlaut']) {
    it(`refuses the name "${name.slice(0, 20)}"`, () => {
      expect(() => defineTask({ name, handler: () => null })).to.throw(TypeError, /the name/);
    });
  }

  it('refuses a rate limit that cannot be read, and a rate key without one', () => {
    const define = (more: object) => () => defineTask({ name: 'limited', handler: () => null, ...more });
    expect(define({ rateLimit: '10/s', rateKey: 'k' })()).to.include({ rateLimit: '10/s', rateKey: 'k' });
    expect(define({ rateLimit: '10 per second' })).to.throw(
      TypeError,
      /rateLimit "10 per second" of the task "limited": expected/,
    );
    expect(define({ rateLimit: 10 })).to.throw(TypeError, /rateLimit 10/);
    expect(define({ rateKey: 'k' })).to.throw(TypeError, /no rateLimit/);
  });

  it('refuses a definition without a handler, or with an input that is no schema', () => {
    expect(() => defineTask({ name: 'x' } as never)).to.throw(TypeError, /"x" has no handler/);
    expect(() => defineTask({ name: 'x', input: null, handler: () => null } as never)).to.throw(
      TypeError,
      /"x" must be a JSON Schema/,
    );
  });
});
