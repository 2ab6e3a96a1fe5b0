import { expect } from 'chai';

import type { Task } from '../../../src/core/task.js';
import { DEFAULT_TIMING } from '../../../src/core/timing.js';
import { mayRun } from '../../../src/core/task-type.js';
import type { ClaimQuery } from '../../../src/store/tasks.js';
import { setUp, task } from '../../support/claiming.js';
import { familiarWith } from '../../support/familiar.js';

const KNOWN = ['known', 'other'];
const IDLE = DEFAULT_TIMING.claimIdleMs;
const MINUTE = 60_000;

/** A worker of two slots whose children have these types. Counts what it starts and gives back. */
function worker(types: readonly string[] | (() => readonly string[])) {
  const seen = { started: [] as string[], claims: [] as (readonly { name: string }[] | undefined)[] };
  const waiting: Task[] = [];
  const offered = ({ only, limit }: Pick<ClaimQuery, 'only' | 'limit'>): Task[] => {
    const known = only && new Map(only.map(({ name, version }) => [name, version]));
    return waiting.filter(each => !known || (known.size > 0 && mayRun(known, each))).slice(0, limit);
  };
  const set = setUp(
    {
      claimable: query => {
        seen.claims.push(query.only);
        return Promise.resolve(offered(query));
      },
      start: starts => {
        seen.started.push(...starts.map(({ id }) => id));
        for (const { id } of starts)
          waiting.splice(
            waiting.findIndex(each => each.id === id),
            1,
          );
        return Promise.resolve(new Set(starts.map(({ id }) => id)));
      },
    },
    () => 'i1',
    typeof types === 'function' ? types : () => types,
  );
  return { ...set, seen, waiting };
}

const named = (id: string, seq: number, name: string, version?: number): Task => ({
  ...task(id, seq),
  name,
  ...(version && { version }),
});

describe('a worker that does not know a type', () => {
  it('leaves its tasks to others, starts what it knows behind them, and does not ask for them again', async () => {
    const { time, loop, seen, waiting, running, broker } = worker(['known', 'grown@2']);
    waiting.push(...[0, 1, 2, 3].map(n => named(`strange-${n}`, n, 'strange')), named('newer', 4, 'grown', 3));
    waiting.push(named('mine', 5, 'known'), named('same', 6, 'grown', 2));
    await loop.start();
    await time.advance(IDLE + 10);
    expect([...running.keys()]).to.deep.equal(['mine', 'same']);
    const claims = seen.claims.length;
    expect(seen.claims.at(-1)).to.deep.equal([
      { name: 'known', version: 0 },
      { name: 'grown', version: 2 },
    ]);
    await time.advance(MINUTE / 2);
    expect(seen.started).to.deep.equal(['mine', 'same']);
    expect(broker.given).to.deep.equal([]);
    expect(seen.claims.slice(claims).every(only => only !== undefined)).to.equal(true);
    await loop.stop();
  });

  it('gives back what it started without a look, once, and looks first when the minute is over', async () => {
    const { time, loop, seen, waiting, running, broker, hint } = worker(['known']);
    await loop.start();
    await time.advance(100);
    waiting.push(named('strange', 1, 'strange'), named('mine', 2, 'known'));
    hint('strange');
    await time.advance(10);
    expect(broker.given, 'by a ticket, for one slot').to.deep.equal(['strange']);
    expect([...running.keys()]).to.deep.equal(['mine']);
    expect(broker.published, 'for the others').to.include('strange');
    waiting.unshift(named('strange', 1, 'strange'));
    for (let minute = 0; minute < 5; minute += 1) {
      hint('strange');
      await time.advance(MINUTE);
    }
    expect(broker.given, 'five minutes later').to.deep.equal(['strange']);
    expect(seen.started).to.deep.equal(['strange', 'mine']);
    await loop.stop();
  });

  it('does not spin: with nothing but strange tasks it asks as often as with none', async () => {
    const { time, loop, seen, waiting } = worker(['known']);
    waiting.push(...Array.from({ length: 50 }, (_, n) => named(`strange-${n}`, n, 'strange')));
    await loop.start();
    await time.advance(10 * MINUTE);
    expect(seen.claims.length).to.be.lessThan((10 * MINUTE) / IDLE + 30);
    expect(seen.started).to.deep.equal([]);
    await loop.stop();
  });

  it('asks for any again when its children have other types', async () => {
    let types = ['known'];
    const { time, loop, waiting, running } = worker(() => types);
    waiting.push(named('strange', 1, 'strange'));
    await loop.start();
    await time.advance(IDLE + 10);
    expect(running.size).to.equal(0);
    types = ['known', 'strange'];
    await time.advance(IDLE + 10);
    expect([...running.keys()]).to.deep.equal(['strange']);
    await loop.stop();
  });

  it('leaves what a child refused, though the newest child has it, for a minute, and then tries again', async () => {
    const { time } = worker([]);
    const familiar = familiarWith(time.clock, () => KNOWN);
    const refused = named('t', 1, 'known');
    familiar.refused(refused);
    expect([familiar.knows(refused), familiar.only]).to.deep.equal([false, [{ name: 'other', version: 0 }]]);
    await time.advance(MINUTE);
    expect([familiar.knows(refused), familiar.only, familiar.wary]).to.deep.equal([true, undefined, true]);
    familiar.sawNone();
    expect([familiar.wary, familiar.told]).to.deep.equal([false, []]);
  });
});
