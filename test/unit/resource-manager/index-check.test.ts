import { expect } from 'chai';

import { silentLog } from '../../../src/process/log.js';
import { IndexCheck } from '../../../src/resource-manager/index-check.js';
import { VirtualTime } from '../../support/virtual-time.js';

describe('The check of the indexes', () => {
  function setUp() {
    const time = new VirtualTime();
    const state = { problems: [] as string[], asked: 0, logged: [] as string[] };
    const note = (message: string) => void state.logged.push(message);
    const check = new IndexCheck({
      store: { problems: () => (state.asked++, Promise.resolve(state.problems)) },
      clock: time.clock,
      log: { ...silentLog, error: note, warn: note },
    });
    return { time, state, check };
  }

  it('comes first, and then once a minute', async () => {
    const { time, state, check } = setUp();
    expect([await check.mayGrant(), await check.mayGrant()]).to.deep.equal([true, true]);
    await time.advance(59_999);
    await check.mayGrant();
    expect(state.asked).to.equal(1);
    state.problems = ['The index is gone.'];
    await time.advance(1);
    expect(await check.mayGrant()).to.equal(false);
    expect(state.asked).to.equal(2);
  });

  it('tells of each problem once, looks again soon, and tells when all is well', async () => {
    const { time, state, check } = setUp();
    state.problems = ['One is gone.'];
    expect(await check.mayGrant()).to.equal(false);
    await time.advance(5_000);
    state.problems = ['One is gone.', 'Another is gone.'];
    expect(await check.mayGrant()).to.equal(false);
    state.problems = [];
    expect(await check.mayGrant(), 'not before the next check').to.equal(false);
    await time.advance(5_000);
    expect(await check.mayGrant()).to.equal(true);
    expect(state.logged).to.deep.equal([
      'Nothing is granted: One is gone.',
      'Nothing is granted: Another is gone.',
      'All indexes are there again: granting goes on.',
    ]);
  });

  it('says nothing of indexes when the database does not answer', async () => {
    const check = new IndexCheck({
      store: { problems: () => Promise.reject(new Error('away')) },
      clock: new VirtualTime().clock,
      log: silentLog,
    });
    const error = await check.mayGrant().catch((thrown: unknown) => thrown);
    expect(String(error)).to.include('away');
  });
});
