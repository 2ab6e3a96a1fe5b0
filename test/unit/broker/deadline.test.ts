import { expect } from 'chai';
import { backoff, explain, Late, pause, within } from '../../../src/broker/amqp/deadline.js';
import { DEFAULT_AMQP_TIMING } from '../../../src/broker/amqp/options.js';

describe('waiting for the broker', () => {
  it('backs off from 0.2 s to 10 s with full jitter, however often it failed', () => {
    for (const failures of [0, 1, 3, 6, 50, 5_000]) {
      const ceiling = Math.min(10_000, 200 * 2 ** failures);
      expect(backoff(failures, () => 0, DEFAULT_AMQP_TIMING)).to.equal(200);
      expect(backoff(failures, () => 0.5, DEFAULT_AMQP_TIMING)).to.equal(200 + (ceiling - 200) / 2);
      expect(backoff(failures, () => 1, DEFAULT_AMQP_TIMING)).to.equal(ceiling);
    }
  });

  it('gives the outcome of what is in time, and Late to what is not', async () => {
    const failed = within(60_000, 'x', Promise.reject(new Error('refused'))).catch(explain);
    const never = within(1, 'asking', new Promise<never>(() => undefined)).catch((error: unknown) => error);

    expect(await within(60_000, 'x', Promise.resolve(7))).to.equal(7);
    expect(await failed).to.equal('refused');
    expect(await never)
      .to.be.instanceOf(Late)
      .with.property('message', 'asking: no answer within 1 ms');
  });

  it('pauses no longer than it is told to', async () => {
    const stop = new AbortController();
    const pausing = pause(3_600_000, stop.signal);
    stop.abort();
    await pausing;
    await pause(3_600_000, stop.signal);
  });

  it('explains what Node says without words', () => {
    const refused = new AggregateError([
      new Error('connect ECONNREFUSED ::1:5672'),
      new Error('connect ECONNREFUSED 127.0.0.1:5672'),
    ]);
    expect(explain(refused)).to.equal('connect ECONNREFUSED ::1:5672; connect ECONNREFUSED 127.0.0.1:5672');
    expect(explain('odd')).to.equal('odd');
  });
});
