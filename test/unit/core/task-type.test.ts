import { expect } from 'chai';

import { knownTypes, labelOf, mayRun, typeOfLabel } from '../../../src/core/task-type.js';

describe('task types as workers have them', () => {
  it('are written as labels, and read back', () => {
    for (const type of [
      { name: 'a.b:c-d_e', version: 0 },
      { name: 'a', version: 12 },
    ])
      expect(typeOfLabel(labelOf(type))).to.deep.equal(type);
    expect(labelOf({ name: 'a' })).to.equal('a');
    expect(typeOfLabel('a@nothing')).to.deep.equal({ name: 'a@nothing', version: 0 });
  });

  it('run tasks of their version and of older ones, and what has no version', () => {
    const known = knownTypes(['a@2', 'b']);
    const may = (name: string, version?: number): boolean => mayRun(known, { name, version });
    expect([may('a'), may('a', 1), may('a', 2), may('a', 3)]).to.deep.equal([true, true, true, false]);
    expect([may('b'), may('b', 1), may('c')]).to.deep.equal([true, false, false]);
  });

  it('keep nobody away where nobody can tell', () => {
    for (const known of [undefined, knownTypes([])]) expect(mayRun(known, { name: 'a', version: 3 })).to.equal(true);
  });
});
