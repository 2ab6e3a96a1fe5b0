import { expect } from 'chai';

import { startDelays, type Life } from '../../bench/start-delays.js';

const life = (acceptedAt: number, startedAt: number, finishedAt: number, ...resources: string[]): Life => ({
  acceptedAt,
  startedAt,
  finishedAt,
  resources,
});

describe('The delay of a start', () => {
  it('counts from the acceptance when nothing is in the way', () => {
    expect(startDelays([life(0, 30, 530, 'a')], 4)).to.deep.equal([30]);
  });

  it('counts from the end of the last blocker', () => {
    const lives = [life(0, 10, 510, 'a'), life(1, 20, 800, 'b'), life(2, 820, 1_320, 'a', 'b')];
    expect(startDelays(lives, 4)).to.deep.equal([10, 19, 20]);
  });

  it('counts from when a slot was free, whichever is later', () => {
    const lives = [life(0, 10, 510, 'a'), life(0, 540, 1_040, 'b')];
    expect(startDelays(lives, 1)).to.deep.equal([10, 30]);
  });

  it('does not blame a task for slots that others took before it', () => {
    // Both slots come free at 500; b and c take them at once, d has to wait for the next one, which is free at 1,010.
    const lives = [
      life(0, 0, 500, 'x'),
      life(0, 0, 500, 'y'),
      life(0, 505, 1_010, 'b'),
      life(0, 505, 1_020, 'c'),
      life(0, 1_015, 1_500, 'd'),
    ];
    expect(startDelays(lives, 2)).to.deep.equal([0, 0, 5, 5, 5]);
  });

  it('is never negative: a slot is free before the record of its task says so', () => {
    expect(startDelays([life(0, 0, 500, 'a'), life(0, 495, 995, 'b')], 1)).to.deep.equal([0, 0]);
  });
});
