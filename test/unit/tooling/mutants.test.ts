import { readFileSync } from 'node:fs';

import { expect } from 'chai';

import { CATALOGUE } from '../../mutants/catalogue.js';

describe('The catalogue of mutants', () => {
  it('names in each file what stands there exactly once, so that every mutant can be made', () => {
    const stale = CATALOGUE.filter(({ file, find }) => readFileSync(file, 'utf8').split(find).length !== 2);
    expect(stale.map(({ name }) => name)).to.deep.equal([]);
  });
});
