import { expect } from 'chai';
import fc from 'fast-check';

import { duplicateKey, findDuplicateKey } from '../../../src/core/duplicate-key.js';

const found = (text: string): string | undefined => {
  const twice = duplicateKey(text, JSON.parse(text));
  return twice && `/${twice.path.join('/')} ${twice.line}:${twice.column}`;
};

describe('A key that is given twice', () => {
  for (const [text, where] of [
    ['{"a":1,"a":1}', '/a 1:8'],
    ['{"a":{"b":1},\n "c":[0,{"d":1,"d":2}]}', '/c/1/d 2:16'],
    ['{"a":1,"\\u0061":2}', '/a 1:8'],
    ['{"__proto__":1,"__proto__":2}', '/__proto__ 1:16'],
    ['{"":1 , "":2}', '/ 1:9'],
    ['{"a":"\\"b\\":\\\\","a":2}', '/a 1:17'],
  ] as const)
    it(`is found in ${text}`, () => expect(found(text)).to.equal(where));

  it('is none in whatever JSON.stringify writes, and in names that are the same in different objects', () => {
    fc.assert(
      fc.property(fc.json(), text => found(text) === undefined),
      { numRuns: 1_000 },
    );
    expect(found('[{"a":":"},{"a":"\\\\"},{"b":{"a":{"a":1}}}]')).to.equal(undefined);
  });

  it('is found wherever one is put, by both ways of looking', () => {
    const name = fc.string({ minLength: 1 });
    fc.assert(
      fc.property(
        fc.dictionary(name, fc.jsonValue(), { minKeys: 1, maxKeys: 5 }),
        fc.array(name, { maxLength: 4 }),
        (object, path) => {
          const inner = JSON.stringify(object);
          const [key] = Object.keys(JSON.parse(inner) as object);
          const doubled = `${inner.slice(0, -1)},${JSON.stringify(key)}:0}`;
          const text = path.reduceRight((below, each) => `{${JSON.stringify(each)}:[null,${below}]}`, doubled);
          const expected = [...path.flatMap(each => [each, 1]), key];
          expect(duplicateKey(text, JSON.parse(text))?.path).to.deep.equal(expected);
          expect(findDuplicateKey(text)?.path).to.deep.equal(expected);
        },
      ),
    );
  });

  it('is found in JSON5, whose names need no quotes and which has comments', () => {
    const text = "// \"a\": 1, a: 2\n{ a: 'it\\'s, a: 3', /* a: 4 */ b: [1,], 'c': 0x1F, \"a\": +1 }";
    expect(findDuplicateKey(text)).to.deep.equal({ path: ['a'], line: 2, column: 52 });
    expect(findDuplicateKey(text.replace('"a": +1', 'd: +1,'))).to.equal(undefined);
  });

  it('is found in a string of a megabyte and in 100,000 levels', () => {
    const long = `{"a":"${'\\"\\\\:'.repeat(250_000)}","a":1}`;
    expect(found(long)).to.match(/^\/a 1:/);
    const deep = `${'{"a":'.repeat(100_000)}{"b":1,"b":2}${'}'.repeat(100_000)}`;
    expect(findDuplicateKey(deep)?.path).to.have.length(100_001);
  });
});
