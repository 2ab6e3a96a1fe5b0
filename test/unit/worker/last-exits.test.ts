import { expect } from 'chai';

import { LastExits } from '../../../src/worker/last-exits.js';

const KILLED = { code: null, signal: 'SIGKILL' };

describe('the exits that a fenced worker remembers', () => {
  it('are told by token until they stand in the record', () => {
    const exits = new LastExits();
    exits.note('i1', 'a', KILLED);
    exits.note('i1', 'b', KILLED);
    exits.forget('a');
    expect([exits.of('a'), exits.of('b'), exits.of('c')]).to.deep.equal([undefined, KILLED, undefined]);
  });

  it('are those of one incarnation, so that they never pile up', () => {
    const exits = new LastExits();
    exits.note('i1', 'a', KILLED);
    exits.note('i2', 'b', KILLED);
    expect([exits.of('a'), exits.of('b')]).to.deep.equal([undefined, KILLED]);
  });
});
