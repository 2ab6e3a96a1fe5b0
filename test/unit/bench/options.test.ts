import { expect } from 'chai';

import { readOptions } from '../../bench/options.js';

describe('The options of a bench', () => {
  it('have defaults for everything but the scenario', () => {
    const { workers, runs, pool, write, tasks } = readOptions(['seed']);
    expect({ workers, runs, pool, write, tasks }).to.deep.equal({
      workers: [1, 2, 4, 8, 16, 32, 64],
      runs: 3,
      pool: undefined,
      write: false,
      tasks: undefined,
    });
  });

  it('are read', () => {
    expect(readOptions(['seed', '--workers', '1,8', '--runs', '5', '--json']).workers).to.deep.equal([1, 8]);
    expect(readOptions(['plain', '--pool', 'async', '--slots', '32', '--tasks', '100'])).to.include({
      pool: 'async',
      slots: 32,
      tasks: 100,
    });
  });

  it('write the page for everything, unless they say no', () => {
    expect(readOptions(['all']).write).to.equal(true);
    expect(readOptions(['all', '--no-write']).write).to.equal(false);
    expect(readOptions(['plain', '--write']).write).to.equal(true);
  });

  const refused: [string[], string][] = [
    [[], 'which scenario?'],
    [['sead'], 'there is no scenario "sead"'],
    [['seed', 'plain'], 'one scenario at a time'],
    [['seed', '--workers', '1,,2'], '--workers must be made of whole numbers from 1 to 512, not ""'],
    [['seed', '--runs', '0'], '--runs must be made of whole numbers from 1 to 100, not "0"'],
    [['peers', '--only', 'celery,sidekiq'], '--only must be made of celery, bullmq, agenda, graphile, not "sidekiq"'],
    [['plain', '--pool', 'threads'], '--pool must be prefork or async, not "threads"'],
    [['backlog', '--workers', '4'], '--workers means nothing to backlog: it is for seed'],
    [['seed', '--resume'], '--resume means nothing to seed: it is for all'],
    [['seed', '--wrokers', '4'], '--wrokers'],
  ];
  for (const [args, sentence] of refused) {
    it(`refuse: ${args.join(' ') || 'nothing'}`, () => {
      expect(() => readOptions(args)).to.throw(sentence);
    });
  }
});
