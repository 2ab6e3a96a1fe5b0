import { expect } from 'chai';

import { Ends } from '../../../../src/api/events/ends.js';
import { someTask } from '../../../support/events.js';
import { VirtualTime } from '../../../support/virtual-time.js';

/** A database in which tasks end; how far it was asked back is kept. */
function setUp() {
  const time = new VirtualTime();
  const ended: { n: number; atMs: number }[] = [];
  const asked: number[] = [];
  let away = false;
  const idOf = (n: number): string => someTask(n).id;
  const ends = new Ends(
    {
      endedWithin: ms => {
        asked.push(ms);
        return Promise.resolve(ended.filter(({ atMs }) => time.clock.monotonicMs() - atMs <= ms).map(({ n }) => idOf(n)));
      },
      get: id => {
        if (away) return Promise.reject(new Error('away'));
        return Promise.resolve(someTask(Number(id.slice(-12)), { state: 'completed' }));
      },
    },
    time.clock,
  );
  const end = (n: number): void => void ended.push({ n, atMs: time.clock.monotonicMs() });
  const tell = (n: number): void => ends.note({ id: idOf(n), state: 'completed' });
  const look = async (): Promise<number[] | undefined> => {
    await time.advance(5_000);
    return (await ends.look())?.map(({ id }) => Number(id.slice(-12)));
  };
  return { time, ends, asked, end, tell, look, leave: (now: boolean) => (away = now) };
}

describe('Comparing what was told with what has ended', () => {
  it('finds an end that no event told of, once', async () => {
    const { end, tell, look } = setUp();
    end(1);
    end(2);
    tell(2);
    expect(await look(), 'its event may be on its way').to.deep.equal([]);
    expect(await look()).to.deep.equal([1]);
    expect(await look()).to.deep.equal([]);
  });

  it('waits for events that are late', async () => {
    const { end, tell, look } = setUp();
    end(1);
    expect(await look()).to.deep.equal([]);
    tell(1);
    expect(await look()).to.deep.equal([]);
  });

  it('counts only ends as told', async () => {
    const { ends, end, look } = setUp();
    ends.note({ id: someTask(1).id, state: 'running' });
    end(1);
    await look();
    expect(await look()).to.deep.equal([1]);
  });

  it('tells the next time what it could not read, also long after that', async () => {
    const { end, look, leave } = setUp();
    end(1);
    await look();
    leave(true);
    for (let n = 0; n < 3; n++) {
      const error = await look().catch((reason: unknown) => reason);
      expect(error).to.be.instanceOf(Error);
    }
    leave(false);
    expect(await look()).to.deep.equal([1]);
    expect(await look()).to.deep.equal([]);
  });

  it('looks back as far as the last answer', async () => {
    const { time, asked, look } = setUp();
    await look();
    await time.advance(20_000);
    await look();
    expect(asked).to.deep.equal([8_000, 28_000]);
  });

  it('cannot tell after a minute without an answer, nor where too many were missed', async () => {
    const { time, end, look } = setUp();
    await time.advance(60_000);
    end(1);
    expect(await look()).to.equal(undefined);
    expect(await look(), 'nothing is left of it').to.deep.equal([]);
    for (let n = 0; n < 101; n++) end(100 + n);
    expect(await look()).to.deep.equal([]);
    expect(await look()).to.equal(undefined);
    expect(await look()).to.deep.equal([]);
  });
});
