import { expect } from 'chai';
import { Type } from 'typebox';

import { InterlockError, type FieldError } from '../../../src/core/errors.js';
import type { Json, JsonObject } from '../../../src/core/json.js';
import { defineTask } from '../../../src/tasks/define-task.js';
import type { StandardSchema, TaskDefinition } from '../../../src/tasks/definition.js';
import { checkInput } from '../../../src/tasks/input.js';
import { inputSchemaOf } from '../../../src/tasks/json-schema.js';

const strict = Type.Object(
  { url: Type.String({ format: 'uri' }), count: Type.Optional(Type.Integer()), list: Type.Optional(Type.Array(Type.Number())) },
  { additionalProperties: false },
);
const typed = defineTask({ name: 'typed', input: strict, handler: () => null });

const errorsOf = async (definition: TaskDefinition, args: Json[], kwargs: JsonObject): Promise<FieldError[]> => {
  const error: unknown = await checkInput(definition, args, kwargs).catch((thrown: unknown) => thrown);
  if (!(error instanceof InterlockError)) expect.fail(`no InterlockError: ${JSON.stringify(error)}`);
  expect(error.code).to.equal('VALIDATION_FAILED');
  return error.errors;
};

describe('The input of a task', () => {
  it('is stored as it was given', async () => {
    const kwargs = { url: 'http://x/', count: 1 };
    expect(await checkInput(typed, [], kwargs)).to.deep.equal({ args: [], kwargs, input: kwargs });
  });

  it('is not coerced', async () => {
    expect((await errorsOf(typed, [], { url: 'http://x/', count: '1' })).map(e => e.pointer)).to.deep.equal(['/kwargs/count']);
  });

  it('is refused with a pointer for everything that is wrong', async () => {
    const errors = await errorsOf(typed, [], { url: 'none', 'a/b~c': 1, list: [1, 'two'] });
    expect(errors.map(({ pointer, reason }) => [pointer, reason])).to.have.deep.members([
      ['/kwargs/a~1b~0c', 'unknown_field'],
      ['/kwargs/url', 'format'],
      ['/kwargs/list/1', 'type'],
    ]);
    expect(await errorsOf(typed, [], {})).to.deep.equal([{ pointer: '/kwargs/url', detail: 'is required', reason: 'required' }]);
    expect(await errorsOf(typed, [], { url: 'http://x/', list: Array<string>(1_000).fill('') })).to.have.length(20);
  });

  it('is refused with the first thing that is wrong where it is large', async () => {
    expect(await errorsOf(typed, [], { url: 'http://x/', list: Array<string>(10_000).fill('') })).to.deep.equal([
      { pointer: '/kwargs/list/0', detail: 'expected a number, not a string', reason: 'type' },
    ]);
  });

  it('is refused where the pattern or the format of its type takes too long for a text', async () => {
    const patterns = { doubled: Type.String({ pattern: '^(a+)+$' }), trailing: Type.String({ pattern: '\\s+$' }) };
    const type = defineTask({ name: 'patterned', input: Type.Partial(Type.Object(patterns)), handler: () => null });
    const fits = { doubled: 'a'.repeat(30), trailing: ' '.repeat(300) };
    expect((await checkInput(type, [], fits)).input).to.deep.equal(fits);
    for (const kwargs of [{ doubled: `${'a'.repeat(30)}!` }, { trailing: `${' '.repeat(200_000)}!` }]) {
      const [error, ...others] = await errorsOf(type, [], kwargs);
      expect(error).to.include({ pointer: '/kwargs', reason: 'too_slow' });
      expect(error?.detail).to.match(/^a text in it takes more than 100 ms to be compared with the pattern \S+ of its task type/);
      expect(others).to.deep.equal([]);
    }
    expect(await errorsOf(type, [], { doubled: 'b'.repeat(30) })).to.deep.equal([
      { pointer: '/kwargs/doubled', detail: 'expected text that matches the pattern ^(a+)+$', reason: 'pattern' },
    ]);
  });

  it('has no args, unless the task is a plain function', async () => {
    expect((await errorsOf(typed, [1], { url: 'http://x/' })).map(e => e.pointer)).to.deep.equal(['/args']);
    const plain: TaskDefinition = { kind: 'interlock.task', name: 'plain', plain: true, handler: () => null };
    expect(await checkInput(plain, [1], { a: 1 })).to.deep.equal({ args: [1], kwargs: { a: 1 }, input: { a: 1 } });
  });

  it('with a Standard Schema gives the handler its output, keeps what was given, and points at issues', async () => {
    const schema: StandardSchema<{ at: string }, { at: Date }> = {
      '~standard': {
        version: 1,
        vendor: 'test',
        validate: value => {
          const { at } = value as { at: unknown };
          (value as { at: unknown }).at = 'changed in place';
          return typeof at === 'string'
            ? { value: { at: new Date(at) } }
            : { issues: [{ message: 'no time', path: [{ key: 'at' }, 0] }] };
        },
      },
    };
    const definition = defineTask({ name: 'standard', input: schema, handler: () => null });
    const checked = await checkInput(definition, [], { at: '2026-01-01T00:00:00Z' });
    expect(checked.kwargs).to.deep.equal({ at: '2026-01-01T00:00:00Z' });
    expect(checked.input).to.deep.equal({ at: new Date('2026-01-01T00:00:00Z') });
    expect(await errorsOf(definition, [], { at: 1 })).to.deep.equal([{ pointer: '/kwargs/at/0', detail: 'no time' }]);
    expect(inputSchemaOf(definition)).to.equal(null);
  });

  it('is described by its JSON Schema', () => {
    expect(inputSchemaOf(typed)).to.deep.include({ type: 'object', required: ['url'], additionalProperties: false });
  });

  it('may use one $id in two types, and any draft', async () => {
    for (const $schema of ['http://json-schema.org/draft-07/schema#', 'https://json-schema.org/draft/2020-12/schema']) {
      const input = { $id: 'https://example.org/one', $schema, type: 'object', required: ['a'] };
      expect(await errorsOf(defineTask({ name: 'x', input, handler: () => null }), [], {})).to.have.length(1);
    }
  });
});
