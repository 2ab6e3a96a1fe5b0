import { Ajv2020 } from 'ajv/dist/2020.js';
import { expect } from 'chai';

import { inWords } from '../../../src/core/schema-words.js';

/** Of the first thing that does not fit. */
function wordsOf(schema: object, value: unknown): string {
  const ajv = new Ajv2020({ strict: false, allErrors: true, verbose: true });
  const validate = ajv.compile(schema);
  expect(validate(value)).to.equal(false);
  const [error] = validate.errors ?? [];
  return error ? inWords(error) : 'nothing';
}

describe('What a validator finds, in words', () => {
  const cases: [schema: object, value: unknown, words: string][] = [
    [{ type: 'integer' }, 1.5, 'expected a whole number, not 1.5'],
    [{ type: 'integer' }, '7', 'expected a whole number, not a string'],
    [{ type: ['number', 'string'] }, true, 'expected a number or a string, not true'],
    [{ type: 'object' }, [], 'expected an object, not a list'],
    [{ type: 'array' }, {}, 'expected a list, not an object'],
    [{ type: 'boolean' }, null, 'expected true or false, not null'],
    [{ enum: ['a', 'b'] }, 'c', 'expected one of a, b'],
    [{ enum: ['state'] }, 'name', 'expected state'],
    [{ const: 1 }, 2, 'expected 1'],
    [{ minimum: 1, maximum: 5 }, 6, 'expected 1 to 5, not 6'],
    [{ minimum: 1 }, 0, 'expected at least 1, not 0'],
    [{ maximum: 5 }, 6, 'expected at most 5, not 6'],
    [{ exclusiveMinimum: 0 }, 0, 'expected more than 0, not 0'],
    [{ exclusiveMaximum: 9 }, 9, 'expected less than 9, not 9'],
    [{ multipleOf: 5 }, 7, 'expected a multiple of 5, not 7'],
    [{ minItems: 1 }, [], 'expected at least 1 entry, not 0'],
    [{ minItems: 1, maxItems: 2 }, [1, 2, 3], 'expected 1 to 2 entries, not 3'],
    [{ maxLength: 2 }, '🚀🚀🚀', 'expected at most 2 characters, not 3'],
    [{ maxProperties: 1 }, { a: 1, b: 2 }, 'expected at most 1 field, not 2'],
    [{ uniqueItems: true }, ['a', 'b', 'a'], 'has the same entry twice, at 0 and 2 (counted from 0)'],
    [{ pattern: '^[A-Za-z0-9_.-]{1,64}$' }, 'a b', 'expected 1 to 64 of the characters A-Z a-z 0-9 _ . -'],
    [{ pattern: '^[!-~]{1,255}$' }, '', 'expected 1 to 255 visible ASCII characters, without spaces'],
    [{ pattern: '^a+$' }, 'b', 'expected text that matches the pattern ^a+$'],
    [{ propertyNames: { maxLength: 1 } }, { ab: 1 }, 'the name "ab": expected at most 1 character, not 2'],
  ];
  for (const [schema, value, words] of cases) {
    it(`says of ${JSON.stringify(value)} for ${JSON.stringify(schema)}: ${words}`, () => {
      expect(wordsOf(schema, value)).to.equal(words);
    });
  }

  it('repeats no text that was sent: it may be a secret', () => {
    expect(wordsOf({ enum: ['a'] }, 'hush')).to.not.include('hush');
    expect(wordsOf({ type: 'integer' }, 'hush')).to.not.include('hush');
  });
});
