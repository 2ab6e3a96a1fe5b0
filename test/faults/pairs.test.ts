import { setTimeout as sleep } from 'node:timers/promises';

import { cut, heal, MODES, PAIRS, QUICK, SECONDS, type Mode, type Pair } from './pairs/pairs.js';
import { SCALE, Stage } from './pairs/stage.js';

/** `all`, or a part of titles. Without it each pair is cut for each of the times, in one of the ways. */
const ASKED = process.env.INTERLOCK_TEST_PAIRS ?? '';
/** In these nothing passes at all. */
const TIGHT: readonly Mode[] = ['blackhole', 'reset'];
const LONG = Math.max(...SECONDS);
const HEAL_APART_MS = 2_000;

interface Case {
  pair: Pair;
  mode: Mode;
  seconds: number;
  title: string;
}

const cases = PAIRS.flatMap((pair, index) =>
  SECONDS.flatMap(seconds =>
    MODES.map((mode): Case & { quick: boolean } => {
      const title = `${pair.name}: ${mode} for ${seconds} s`;
      return { pair, mode, seconds, title, quick: mode === QUICK[seconds][index % QUICK[seconds].length] };
    }),
  ),
).filter(({ quick, title }) => (ASKED === '' ? quick : ASKED === 'all' || title.includes(ASKED)));

describe('a link that is cut, between', function () {
  this.timeout(300_000);
  let stage: Stage;

  before(async () => {
    stage = await Stage.open();
  });
  after(() => stage.close());

  for (const { pair, mode, seconds, title } of cases) {
    it(`${title}: nobody needs a restart, and all goes on`, async () => {
      const links = await pair.links(stage);
      cut(stage, links, mode);
      const lasts = sleep(seconds * 1_000 * SCALE);
      try {
        if (seconds === LONG && TIGHT.includes(mode)) await pair.during?.(stage, links);
        if (pair.goesOn) await stage.traffic.goesOn(3);
        await lasts;
      } finally {
        const first = links.filter(name => pair.healFirst !== undefined && name.endsWith(pair.healFirst));
        heal(stage, first);
        if (first.length > 0) await sleep(HEAL_APART_MS); // the other one is away for so much longer
        heal(stage, links);
      }
      await stage.recovers();
    });
  }

  it('any two has cost no task, no order and no slot', () => stage.judge());
});
