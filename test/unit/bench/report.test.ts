import { expect } from 'chai';

import { aboutText, figuresTable, number, title, withSection } from '../../bench/markdown.js';
import { asJson } from '../../bench/report.js';
import { summary } from '../../bench/statistics.js';
import { judge, TARGETS } from '../../bench/targets.js';

const result = (name: string, figures: Record<string, number[]>) => ({
  case: name,
  runs: 3,
  figures: Object.fromEntries(Object.entries(figures).map(([figure, values]) => [figure, summary(values)])),
});

describe('What a bench reports', () => {
  it('judges medians by the target of the MongoDB that ran', () => {
    const results = new Map([['seed', [result('1 worker', { boundRatio: [0.9, 0.96, 0.97] })]]]);
    const first = (kind: 'emulated' | 'native') => judge(kind, results)[0];
    expect(first('emulated')).to.deep.include({ case: '1 worker', target: '≥ 0.95', met: 'yes' });
    expect(first('native')).to.deep.include({ case: '1 worker', target: '≥ 0.97', met: 'no' });
  });

  it('shows every target, also what was not measured', () => {
    const judged = judge('native', new Map());
    expect(judged).to.have.length(TARGETS.length);
    expect(judged.every(each => each.met === 'not measured')).to.equal(true);
  });

  it('puts the median beside the spread, and nothing where a case lacks a figure', () => {
    const text = figuresTable([result('a', { p50Ms: [1, 2, 3] }), result('b', { tasksPerSecond: [1_234.5] })]);
    expect(text.split('\n')).to.deep.equal([
      '| case | p50 ms | tasks per second |',
      '|---|---|---|',
      '| a | 2 (1–3) | – |',
      '| b | – | 1,235 |',
    ]);
    expect([number(0.01234), number(12_345.6), title('waitingMiB')]).to.deep.equal(['0.0123', '12,346', 'waiting MiB']);
  });

  it('names versions and settings, and what was not measured with the reason on one line', () => {
    const about = { versions: { redis: '7' }, settings: { appendfsync: 'always', appendonly: 'yes' } };
    expect(aboutText({ ...result('a', {}), ...about })).to.equal('- a: redis 7; appendfsync always, appendonly yes.');
    expect(aboutText({ ...result('b', {}), missing: 'pip ended:\n  no network' })).to.equal(
      '- b was not measured: pip ended:   no network',
    );
    expect(aboutText(result('c', {}))).to.equal('');
  });

  it('replaces a section of a page and leaves the rest', () => {
    const page = withSection('# Page\n', 'seed', 'old');
    expect(withSection(`${page}\ntail\n`, 'seed', 'new')).to.equal(
      '# Page\n\n<!-- bench:seed -->\n\nnew\n\n<!-- /bench:seed -->\n\ntail\n',
    );
  });

  it('is one line of JSON with medians under their own names', () => {
    const on = {
      date: '',
      commit: '',
      machine: 'm',
      mongo: 'native' as const,
      versions: { node: '', mongodb: '', rabbitmq: '' },
    };
    const json: unknown = JSON.parse(asJson('plain', on, new Map([['plain', [result('a', { p50Ms: [1, 2, 3] })]]])));
    expect(json).to.deep.include({ scenario: 'plain', machine: 'm', mongo: 'native' });
    expect(json).to.have.deep.property('results', [
      { scenario: 'plain', case: 'a', runs: 3, p50Ms: 2, spread: { p50Ms: [1, 3] } },
    ]);
  });
});
