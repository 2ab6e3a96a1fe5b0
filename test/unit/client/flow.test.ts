import { expect } from 'chai';

import { chain, chord, group, step, workflowBody, type Flow } from '../../../src/client/flow.js';

const built = (flow: Flow) => workflowBody(flow, ({ name }) => ({ name })).tasks;

describe('a flow', () => {
  it('is one step', () => {
    expect(built(step('a'))).to.deep.equal({ t1: { name: 'a' } });
  });

  it('is a chain, each behind the one before', () => {
    expect(built(chain(step('a'), step('b'), step('c')))).to.deep.equal({
      t1: { name: 'a' },
      t2: { name: 'b', after: ['t1'] },
      t3: { name: 'c', after: ['t2'] },
    });
  });

  it('is a chord: the body comes after all of the header', () => {
    const flow = chord([step('a', {}, { as: 'first' }), step('b')], step('sum', {}, { as: 'sum', join: 'all-final' }));
    expect(built(flow)).to.deep.equal({
      first: { name: 'a' },
      t2: { name: 'b' },
      sum: { name: 'sum', after: ['first', 't2'], join: 'all-final' },
    });
  });

  it('is any of these inside another: a chain of groups of chains', () => {
    const flow = chain(step('a'), group(chain(step('b'), step('c')), step('d')), group(step('e'), step('f')));
    const afters = Object.fromEntries(Object.entries(built(flow)).map(([name, { after }]) => [name, after ?? []]));
    expect(afters).to.deep.equal({ t1: [], t2: ['t1'], t3: ['t2'], t4: ['t1'], t5: ['t3', 't4'], t6: ['t3', 't4'] });
  });

  it('passes an empty group on, and is nothing without a step', () => {
    expect(built(chain(step('a'), group(), step('b'))).t2).to.deep.equal({ name: 'b', after: ['t1'] });
    expect(() => built(chain(group()))).to.throw(TypeError, 'no step');
  });

  it('refuses a name that two have, and makes none that one has', () => {
    expect(() => built(group(step('a', {}, { as: 'x' }), step('b', {}, { as: 'x' })))).to.throw(TypeError, '"x"');
    expect(Object.keys(built(group(step('a', {}, { as: 't2' }), step('b'))))).to.deep.equal(['t2', 't3']);
  });
});
