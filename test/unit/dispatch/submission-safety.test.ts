import { expect } from 'chai';
import fc from 'fast-check';

import { canonicalJson } from '../../../src/dispatch/canonical-json.js';
import { TASK_LIMITS, unsafeJson } from '../../../src/dispatch/json-safety.js';

const found = (text: string): string => {
  const problem = unsafeJson(JSON.parse(text), TASK_LIMITS);
  return problem ? `${problem.pointer} ${problem.reason ?? ''}` : 'safe';
};

describe('JSON that must not come in', () => {
  const cases: [string, string, string][] = [
    ['a prototype', '{"args":[{"__proto__":{"x":1}}]}', '/args/0/__proto__ forbidden_key'],
    ["a constructor's prototype", '{"constructor":{"prototype":{}}}', '/constructor forbidden_key'],
    ['a driver type', '{"a":{"_bsontype":"ObjectId"}}', '/a/_bsontype forbidden_key'],
    ['half a surrogate pair', '["\\ud800"]', '/0 bad_text'],
    ['half a surrogate pair in a key', '{"\\udc00":1}', '/\udc00 bad_text'],
    ['a NUL', '{"a":"x\\u0000"}', '/a bad_text'],
    ['an unsafe whole number', '[9007199254740993]', '/0 number_range'],
    ['a number that is too large', '[1e400]', '/0 number_range'],
    ['33 levels', '['.repeat(33) + ']'.repeat(33), `${'/0'.repeat(32)} too_deep`],
    ['100,000 levels', '['.repeat(100_000) + ']'.repeat(100_000), `${'/0'.repeat(32)} too_deep`],
    ['too many elements', `[${'0,'.repeat(100_000)}0]`, ' too_many'],
    [
      'too many members',
      JSON.stringify({ a: Object.fromEntries(Array.from({ length: 100_001 }, (_, n) => [n, 0])) }),
      '/a too_many',
    ],
    ['a pointer that needs escaping', '{"a/b~c":"\\u0000"}', '/a~1b~0c bad_text'],
  ];
  for (const [what, text, problem] of cases) it(`finds ${what}`, () => expect(found(text)).to.equal(problem));

  for (const text of [
    '{"constructor":"of bridges"}',
    '{"prototype":{}}',
    '["\\ud83d\\ude80", "\\t", "$where", {"a.b": 1, "": 2}]',
    '[9007199254740991, -9007199254740991, 0.1, 1e-300, -0]',
    '['.repeat(32) + ']'.repeat(32),
    `[${'0,'.repeat(99_999)}0]`,
  ]) {
    it(`lets ${text.slice(0, 60)} pass`, () => expect(found(text)).to.equal('safe'));
  }

  it('refuses what is not JSON at all, as a child process might send', () => {
    expect(unsafeJson({ a: undefined }, TASK_LIMITS)).to.include({ pointer: '/a', reason: 'not_json' });
    expect(unsafeJson([1n], TASK_LIMITS)).to.include({ pointer: '/0', reason: 'not_json' });
  });
});

describe('Canonical JSON', () => {
  it('is JSON of the same value', () => {
    fc.assert(
      fc.property(fc.jsonValue(), value => {
        expect(JSON.parse(canonicalJson(value))).to.deep.equal(JSON.parse(JSON.stringify(value)));
      }),
    );
  });

  it('does not depend on the order of keys', () => {
    const shuffled = (value: unknown): unknown => {
      if (Array.isArray(value)) return value.map(shuffled);
      if (typeof value !== 'object' || value === null) return value;
      return Object.fromEntries(
        Object.entries(value)
          .reverse()
          .map(([key, member]) => [key, shuffled(member)]),
      );
    };
    fc.assert(
      fc.property(fc.jsonValue(), value => {
        expect(canonicalJson(shuffled(value))).to.equal(canonicalJson(value));
      }),
    );
  });
});
