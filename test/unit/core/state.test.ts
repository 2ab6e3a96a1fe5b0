import { expect } from 'chai';

import { FINAL_STATES, isFinal, mayMove, MOVES, STATES, type State } from '../../../src/core/state.js';

/** The table of the design, written out a second time by hand: a pair that is not here is not legal. */
const LEGAL: [State, State][] = [
  ['waiting', 'running'],
  ['waiting', 'canceled'],
  ['waiting', 'skipped'],
  ['waiting', 'failed'],
  ['running', 'completed'],
  ['running', 'failed'],
  ['running', 'canceled'],
  ['running', 'canceling'],
  ['running', 'skipped'],
  ['running', 'waiting'],
  ['canceling', 'canceled'],
  ['canceling', 'completed'],
  ['canceling', 'failed'],
];

describe('the states of a task', () => {
  it('allow exactly the moves of the design, over all pairs', () => {
    for (const from of STATES) {
      for (const to of STATES) {
        const legal = LEGAL.some(([a, b]) => a === from && b === to);
        expect(mayMove(from, to), `${from} → ${to}`).to.equal(legal);
      }
    }
  });

  it('end in the final ones, which nothing leaves', () => {
    expect(STATES.filter(isFinal)).to.have.members([...FINAL_STATES]);
    for (const state of FINAL_STATES) expect(MOVES[state]).to.have.length(0);
  });

  it('reach a final one from everywhere', () => {
    for (const from of STATES) expect(reach(from).some(isFinal), from).to.equal(true);
  });
});

function reach(from: State, seen = new Set<State>()): State[] {
  if (seen.has(from)) return [...seen];
  seen.add(from);
  for (const to of MOVES[from]) reach(to, seen);
  return [...seen];
}
