import { expect } from 'chai';
import fc from 'fast-check';

import { findSyntaxProblem } from '../../../src/api/http/json-position.js';

const parses = (text: string): boolean => {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
};

describe('The place of a mistake in JSON', () => {
  for (const [text, line, column, expected] of [
    ['{"a": 1,}', 1, 9, 'a name in double quotes'],
    ['[1,]', 1, 4, 'a value'],
    ["{'a': 1}", 1, 2, 'a name in double quotes or }'],
    ['{"a" 1}', 1, 6, ':'],
    ['{\n  "a": NaN\n}', 2, 8, 'a value'],
    ['{"a": 1 "b": 2}', 1, 9, ', or }'],
    ['[1 2]', 1, 4, ', or ]'],
    ['[1}', 1, 3, ', or ]'],
    ['{"a": 1', 1, 8, ', or }'],
    ['{} {}', 1, 4, 'nothing more'],
    ['', 1, 1, 'a value'],
    ['["a\nb"]', 1, 2, 'a value or ]'],
    ['[01]', 1, 3, ', or ]'],
    ['["\\x"]', 1, 2, 'a value or ]'],
    ['tru', 1, 1, 'a value'],
    ['{"a":\r\n\r\n!}', 3, 1, 'a value'],
  ] as const) {
    it(`is line ${line}, column ${column} in ${JSON.stringify(text)}`, () => {
      expect(findSyntaxProblem(text)).to.deep.equal({ line, column, expected });
    });
  }

  it('is none in what JSON.parse takes, however written', () => {
    fc.assert(
      fc.property(fc.json(), fc.constantFrom(0, 2), (text, indent) => {
        expect(findSyntaxProblem(JSON.stringify(JSON.parse(text), null, indent))).to.equal(undefined);
      }),
    );
  });

  it('is found exactly when JSON.parse refuses, whatever was damaged', () => {
    const damaged = fc.tuple(fc.json(), fc.nat(), fc.constantFrom('', ',', '"', '}', ']', ':', '\\', '0', '-', 'e', '\n'));
    fc.assert(
      fc.property(damaged, ([text, at, put]) => {
        const place = at % (text.length + 1);
        const changed = text.slice(0, place) + put + text.slice(place + 1);
        expect(findSyntaxProblem(changed) === undefined, changed).to.equal(parses(changed));
      }),
      { numRuns: 2_000 },
    );
  });

  it('is found in a string of a megabyte and in 100,000 levels', () => {
    expect(findSyntaxProblem(`["${'x'.repeat(1_000_000)}", ]`)).to.include({ line: 1, expected: 'a value' });
    expect(findSyntaxProblem('['.repeat(100_000))).to.include({ column: 100_001 });
  });
});
