import { expect } from 'chai';

import { parseMetrics, valueOf } from '../../support/prometheus.js';

const head = (name: string, type: string): string => `# HELP ${name} What it is.\n# TYPE ${name} ${type}\n`;

describe('The parser of metrics', () => {
  it('reads what is well made', () => {
    const text = `${head('a_total', 'counter')}a_total{x="1\\"\\n,}"} 2\na_total{x="2"} 3e+21\n${head('b', 'gauge')}b NaN\n`;
    const metrics = parseMetrics(text);
    expect(valueOf(metrics, 'a_total', { x: '1"\n,}' })).to.equal(2);
    expect(valueOf(metrics, 'a_total', { x: '2' })).to.equal(3e21);
    expect(valueOf(metrics, 'b')).to.deep.equal(NaN);
    const histogram = `${head('h', 'histogram')}h_bucket{le="1"} 1\nh_bucket{le="+Inf"} 2\nh_sum 3\nh_count 2\n`;
    expect(parseMetrics(histogram).get('h')?.samples).to.have.length(4);
  });

  const bad: [what: string, text: string, error: RegExp][] = [
    ['no end of line', `${head('a', 'gauge')}a 1`, /does not end/],
    ['no help', '# TYPE a gauge\na 1\n', /without HELP/],
    ['no type', '# HELP a What.\na 1\n', /stands under nothing/],
    ['a counter without _total', `${head('a', 'counter')}a 1\n`, /_total/],
    ['a gauge with _total', `${head('a_total', 'gauge')}a_total 1\n`, /_total/],
    ['milliseconds', `${head('a_ms', 'gauge')}a_ms 1\n`, /base unit/],
    ['a metric twice', `${head('a', 'gauge')}a 1\n${head('a', 'gauge')}`, /twice/],
    ['a series twice', `${head('a', 'gauge')}a{x="1",y="2"} 1\na{y="2",x="1"} 1\n`, /series comes twice/],
    ['a bare quote', `${head('a', 'gauge')}a{x="1"2"} 1\n`, /bad labels/],
    ['a label twice', `${head('a', 'gauge')}a{x="1",x="2"} 1\n`, /label x comes twice/],
    ['no number', `${head('a', 'gauge')}a one\n`, /not a sample/],
    ['a negative counter', `${head('a_total', 'counter')}a_total -1\n`, /below 0/],
    [
      'a histogram that shrinks',
      `${head('h', 'histogram')}h_bucket{le="1"} 3\nh_bucket{le="+Inf"} 2\nh_sum 3\nh_count 2\n`,
      /no histogram/,
    ],
    ['a histogram without an end', `${head('h', 'histogram')}h_bucket{le="1"} 2\nh_sum 3\nh_count 2\n`, /no histogram/],
    ['a sample of another metric', `${head('a', 'gauge')}b 1\n`, /stands under a/],
  ];
  for (const [what, text, error] of bad) {
    it(`refuses ${what}`, () => {
      expect(() => parseMetrics(text)).to.throw(error);
    });
  }
});
