import { expect } from 'chai';

import { ServerTime } from '../../../src/process/server-time.js';
import { VirtualTime } from '../../support/virtual-time.js';

describe("The database's time", () => {
  const START = new Date('2030-01-01T00:00:00.000Z').getTime();

  function stage() {
    const time = new VirtualTime();
    const calls = { made: 0, fail: false };
    const read = (): Promise<Date> => {
      calls.made++;
      if (calls.fail) return Promise.reject(new Error('away'));
      return Promise.resolve(new Date(START + time.clock.monotonicMs()));
    };
    return { time, calls, server: new ServerTime(read, time.clock) };
  }

  it('is carried on between readings, which come once a minute', async () => {
    const { time, calls, server } = stage();
    expect((await server.now()).getTime()).to.equal(START);
    await time.advance(59_000);
    expect((await server.now()).getTime()).to.equal(START + 59_000);
    expect(calls.made).to.equal(1);
    await time.advance(2_000);
    await server.now();
    expect(calls.made).to.equal(2);
  });

  it('is read once for all who ask meanwhile', async () => {
    const { calls, server } = stage();
    await Promise.all([server.now(), server.now(), server.now()]);
    expect(calls.made).to.equal(1);
  });

  it('is good for longer when it cannot be read again, but not known when it never was', async () => {
    const { time, calls, server } = stage();
    calls.fail = true;
    const error: unknown = await server.now().catch((reason: unknown) => reason);
    expect(error).to.be.instanceOf(Error);
    calls.fail = false;
    await server.now();
    calls.fail = true;
    await time.advance(120_000);
    expect((await server.now()).getTime()).to.equal(START + 120_000);
  });
});
