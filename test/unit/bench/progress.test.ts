import { join } from 'node:path';
import { expect } from 'chai';
import { readOptions } from '../../bench/options.js';
import { Progress } from '../../bench/progress.js';
import { summary } from '../../bench/statistics.js';
import { scratchFolder } from '../servers/scratch.js';

const on = {
  date: '2026-01-01',
  commit: 'abc',
  machine: 'm',
  mongo: 'native' as const,
  versions: { node: '', mongodb: '', rabbitmq: '' },
};
const results = new Map([['seed', [{ case: '1 worker', runs: 1, figures: { boundRatio: summary([0.9]) } }]]]);

describe('What `bench all` has measured so far', () => {
  const scratch = scratchFolder();
  const file = (): string => join(scratch.path, 'bench', 'all.json');
  const progress = (args: string[] = [], commit = 'abc', date = on.date): Progress =>
    new Progress(readOptions(['all', ...args]), { ...on, commit, date }, file());
  after(() => scratch.remove());

  it('is there again on the same commit with the same options, also on the next day and in another form', () => {
    progress().save(results);
    expect(progress(['--resume', '--json'], 'abc', '2026-01-02').load()).to.deep.equal(results);
  });

  it('is refused by another commit, other options, changed files, and where nothing is', () => {
    progress().save(results);
    for (const other of [progress([], 'def'), progress(['--runs', '5']), progress([], 'abc+')]) {
      expect(() => other.load()).to.throw('nothing to resume');
    }
    progress([], 'abc+').save(results);
    expect(() => progress([], 'abc+').load()).to.throw('files were changed');
    expect(() => new Progress(readOptions(['all']), on, join(scratch.path, 'none.json')).load()).to.throw('no scenario');
  });
});
