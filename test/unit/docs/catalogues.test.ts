import { expect } from 'chai';

import { readFileSync } from 'node:fs';

import { faultsOf, foldersOf, rowsOf } from './quoted-tests.js';

/** Pages of tables whose rows are numbered through; the last cell of a row names its tests, or says why there is none. */
const CATALOGUES = [
  { page: 'docs/bad-input.md', letter: 'B', last: 83 },
  { page: 'docs/faults.md', letter: 'F', last: 88 },
];

const numbered = (letter: string, index: number): string => `${letter}${String(index + 1).padStart(2, '0')}`;

for (const { page, letter, last } of CATALOGUES) {
  describe(page, () => {
    const rows = rowsOf(page, new RegExp(String.raw`^${letter}\d+`));

    const all = Array.from({ length: last }, (_, index) => numbered(letter, index));
    const numbers = rows.map(([number]) => number);

    it(`has a row for each of ${letter}01 to ${letter}${last}, once`, () => {
      expect([...numbers].sort()).to.deep.equal(all);
    });

    it('says in each what came and what becomes of it', () => {
      for (const [number, came = '', answer = ''] of rows) {
        expect(came, number).to.have.length.above(5);
        expect(answer, number).to.have.length.above(5);
      }
    });

    it('names for each a test that exists under that title, or says why there is none', () => {
      const faults = rows.flatMap(faultsOf);
      expect(faults, `\n${faults.join('\n')}\n`).to.deep.equal([]);
    });
  });
}

describe('docs/faults.md, in npm test', () => {
  const text = (path: string): string => readFileSync(new URL(`../../../${path}`, import.meta.url), 'utf8');
  /** What `scripts/test.mjs` runs when it is not told. */
  const folders = [...text('scripts/test.mjs').matchAll(/^const (?:ALONE|FOLDERS) = (.*);$/gm)]
    .flatMap(([, list = '']) => [...list.matchAll(/'(\w+)'/g)].map(([, name = '']) => name))
    .filter(name => name !== 'slow');
  const rows = rowsOf('docs/faults.md', /^F\d+/).sort(([a = ''], [b = '']) => a.localeCompare(b));
  const shown = rows.map(row => ({ row: row[0], among: foldersOf(row).map(folder => folders.includes(folder)) }));

  for (const [title, belongs] of [
    ['with all of their tests', among => among.length > 0 && among.every(Boolean)],
    ['with some of them', among => among.some(Boolean) && !among.every(Boolean)],
  ] as [string, (among: boolean[]) => boolean][]) {
    it(`are those that are listed ${title}`, () => {
      const [, count, listed = ''] = new RegExp(`^- ${title}, (\\d+): (.*)$`, 'm').exec(text('docs/faults.md')) ?? [];
      const wanted = shown.filter(({ among }) => belongs(among)).map(({ row }) => row);
      expect(wanted.length, 'some are').to.be.above(20);
      expect(listed.split(' ')).to.deep.equal(wanted);
      expect(Number(count)).to.equal(wanted.length);
    });
  }
});
