import { expect } from 'chai';

import { offer } from '../../bench/overload/clients.js';
import { heldGrowth } from '../../bench/overload/held.js';
import { recoverySecondsOf } from '../../bench/overload/recovery.js';
import { failures, slopePerMinute, type Evidence } from '../../bench/overload/verdict.js';
import type { Memory } from '../../bench/probes.js';
import { scriptedApi, type Answer } from '../../support/scripted-api.js';

const GOOD: Evidence = {
  ...{ seconds: 600, capacityPerSecond: 50, offeredPerSecond: 99, accepted: 30_000, lost: 0, unfinished: 0, refused: 30_000 },
  ...{
    wrong: [],
    wrongs: 0,
    missing: [],
    workerLost: 0,
    longestGapMs: 6_000,
    growthMiB: { api: 3, beat: -2 },
    recoverySeconds: 12,
  },
};

describe('The bench of too much load', () => {
  it('finds nothing where all holds', () => expect(failures(GOOD)).to.deep.equal([]));

  const broken: [Partial<Evidence>, RegExp][] = [
    [{ accepted: 0 }, /nothing was accepted/],
    [{ refused: 0 }, /there was no overload/],
    [{ offeredPerSecond: 60 }, /60\.0 a second were offered to a capacity of 50\.0/],
    [{ lost: 1 }, /1 of 30000 accepted tasks are gone/],
    [{ unfinished: 2 }, /2 of 30000 accepted tasks have not ended/],
    [{ wrongs: 3, wrong: ['500 {}'] }, /3 answers were neither .*: 500 {}/],
    [{ missing: ['worker w1 is missing'] }, /taken for dead: worker w1 is missing/],
    [{ workerLost: 1 }, /1 starts ended as worker-lost/],
    [{ longestGapMs: 10_001 }, /no heartbeat for 10001 ms/],
    [{ longestGapMs: NaN }, /no heartbeat for NaN ms/],
    [{ growthMiB: { api: 12.1 } }, /api holds 12\.1 MiB more/],
    [{ growthMiB: { api: NaN } }, /api holds NaN MiB more/],
    [{ recoverySeconds: Infinity }, /not as quick as before within 60 s/],
  ];
  for (const [change, what] of broken) {
    it(`fails for ${JSON.stringify(change)}`, () => {
      const found = failures({ ...GOOD, ...change });
      expect(found).to.have.length(1);
      expect(found[0]).to.match(what);
    });
  }

  it('does not judge memory in a run that is too short for it', () =>
    expect(failures({ ...GOOD, seconds: 60, growthMiB: { api: 100 } })).to.deep.equal([]));

  it('tells the slope of what is resident, and leaves the first fifth out', () =>
    expect(slopePerMinute([500, 10, 11, 12, 13], 5)).to.be.closeTo(12, 1e-9));

  it('compares what processes hold at the end of the load with what they held after a fifth of it', async () => {
    const looks = [
      [4, 7],
      [6, 6],
    ];
    const collected = (): Promise<Memory[]> =>
      Promise.resolve((looks.shift() ?? []).map((mib, index) => ({ role: 'worker', pid: index, rss: 0, held: mib * 2 ** 20 })));
    const grown = await heldGrowth(collected, { one: 0, two: 1, gone: 2 }, 0.01);
    expect(grown).to.deep.equal({ one: 2, two: -1, gone: NaN });
  });

  it('calls it recovered from the first of five quick tasks in a row on', () => {
    const times = [undefined, 900, 90, 90, 90, 90, 151, 150, 90, 90, undefined, 1, 2, 3, 4, 5, 6];
    const probed = times.map((ms, at) => ({ at, ms }));
    expect(recoverySecondsOf(probed, 50)).to.equal(11);
    expect(recoverySecondsOf(probed, 51)).to.equal(2);
    expect(recoverySecondsOf(probed.slice(0, 6), 50)).to.equal(Infinity);
  });

  it('has clients that send at their pace whatever they are told, and tells polite refusals from others', async () => {
    const polite = { 'retry-after': '1' };
    const answers: Answer[] = [
      { status: 202, body: { id: 'a' } },
      { status: 429, body: {}, headers: polite },
      { status: 503, body: {}, headers: polite },
      { status: 503, body: {} },
      { status: 500, body: {}, headers: polite },
      { hangUp: true },
    ];
    let asked = 0;
    const api = await scriptedApi(() => answers[asked++ % answers.length]!);
    const heard = await offer(api.url, {
      ...{ clients: 2, perSecond: 60, seconds: 0.4, bodyOf: () => '{"name":"x"}' },
      tokenOf: client => (client === 0 ? 'zero' : undefined),
    });
    await api.close();
    expect(heard.answers).to.equal(api.heard.length).and.to.be.at.least(answers.length);
    expect(heard.accepted[0]).to.equal('a');
    expect(heard.refused['429']).to.be.at.least(1);
    expect(heard.refused['503']).to.be.at.least(1);
    expect(heard.refused['429'] + heard.refused['503']).to.equal(heard.refusedMs.length);
    expect(heard.wrong[0]).to.match(/^503 /);
    expect(heard.wrong[1]).to.match(/^500 /);
    expect(new Set(api.heard.map(({ headers }) => headers.authorization))).to.deep.equal(new Set(['Bearer zero', undefined]));
  });
});
