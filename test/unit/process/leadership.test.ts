import { expect } from 'chai';

import { StoreError } from '../../../src/core/errors.js';
import { DEFAULT_TIMING } from '../../../src/core/timing.js';
import { Leadership } from '../../../src/process/leadership.js';
import { silentLog } from '../../../src/process/log.js';
import type { Term } from '../../../src/process/term.js';
import type { Lease, LeaseStore } from '../../../src/store/store.js';
import { VirtualTime } from '../../support/virtual-time.js';

/** The lease document, by the virtual clock as server time. */
class LeaseDocument implements LeaseStore {
  epoch = 0;
  holder = '';
  untilMs = -1;
  away = false;
  readonly time: VirtualTime;

  constructor(time: VirtualTime) {
    this.time = time;
  }

  acquire(name: Lease['name'], holder: { name: string; incarnation: string }, leaseMs: number): Promise<Lease | undefined> {
    if (this.away) return Promise.reject(new StoreError('away', 'unknown'));
    if (this.untilMs >= this.time.clock.monotonicMs()) return Promise.resolve(undefined);
    this.epoch += 1;
    this.holder = holder.name;
    this.untilMs = this.time.clock.monotonicMs() + leaseMs;
    return Promise.resolve({ name, holder: holder.name, incarnation: holder.incarnation, epoch: this.epoch, fence: 1, floor: 0 });
  }

  renew(lease: Lease, leaseMs: number): Promise<boolean> {
    if (this.away) return Promise.reject(new StoreError('away', 'unknown'));
    if (lease.epoch !== this.epoch) return Promise.resolve(false);
    this.untilMs = this.time.clock.monotonicMs() + leaseMs;
    return Promise.resolve(true);
  }

  resign(lease: Lease): Promise<void> {
    if (lease.epoch === this.epoch && !this.away) this.untilMs = -1;
    return Promise.resolve();
  }

  read(): Promise<undefined> {
    return Promise.resolve(undefined);
  }
}

function candidate(time: VirtualTime, leases: LeaseStore, holder: string, terms: Term[]): Leadership {
  const lead = (term: Term): Promise<void> => {
    terms.push(term);
    return new Promise(resolve => term.signal.addEventListener('abort', () => resolve()));
  };
  return new Leadership({
    leases,
    runtime: time.runtime,
    log: silentLog,
    timing: DEFAULT_TIMING,
    name: 'beat',
    holder,
    incarnation: () => `${holder}-1`,
    lead,
  });
}

describe('leadership', () => {
  it('belongs to one of two, and to the other within 20 s of the first one falling silent', async () => {
    const time = new VirtualTime();
    const leases = new LeaseDocument(time);
    const [mine, others]: Term[][] = [[], []];
    const first = candidate(time, leases, 'a', mine!);
    const second = candidate(time, leases, 'b', others!);
    await first.start();
    await time.advance(1);
    await second.start();
    await time.advance(60_000);
    expect([first.leading, second.leading]).to.deep.equal([true, false]);

    // The database is away for the leader alone: it never renews again.
    leases.renew = lease => (lease.holder === 'a' ? Promise.reject(new StoreError('away', 'unknown')) : Promise.resolve(true));
    leases.resign = () => Promise.resolve();
    await time.advance(20_001);
    expect(second.leading).to.equal(true);
    expect(first.leading).to.equal(false);
    expect(others![0]?.lease.epoch).to.equal(2);
    await Promise.all([first.stop(), second.stop()]);
  });

  it('ends by itself before the lease lapses, so that two never act at once', async () => {
    const time = new VirtualTime();
    const leases = new LeaseDocument(time);
    const terms: Term[] = [];
    const leader = candidate(time, leases, 'a', terms);
    await leader.start();
    await time.advance(6_000);
    leases.away = true;
    for (let ms = 0; ms < 30_000 && terms[0]!.trusted; ms += 500) await time.advance(500);
    expect(time.clock.monotonicMs()).to.be.lessThan(leases.untilMs);
    await leader.stop();
  });

  it('is trusted from when its renewal was asked for, however late the answer comes', async () => {
    const time = new VirtualTime();
    const leases = new LeaseDocument(time);
    const terms: Term[] = [];
    const leader = candidate(time, leases, 'a', terms);
    const asked: number[] = [];
    leases.renew = async () => {
      asked.push(time.clock.monotonicMs());
      if (asked.length > 1) throw new StoreError('away', 'unknown');
      await time.runtime.timers.sleep(4_000);
      return true;
    };
    await leader.start();
    while (asked.length < 1) await time.advance(100);
    await time.advance(DEFAULT_TIMING.leaseTrustMs - 100);
    expect(terms[0]!.trusted).to.equal(true);
    await time.advance(101);
    expect(time.clock.monotonicMs() - asked[0]!).to.be.within(DEFAULT_TIMING.leaseTrustMs, DEFAULT_TIMING.leaseTrustMs + 200);
    expect(terms[0]!.trusted).to.equal(false);
    await leader.stop();
  });

  it('is resigned on a stop, so that a spare need not wait', async () => {
    const time = new VirtualTime();
    const leases = new LeaseDocument(time);
    const leader = candidate(time, leases, 'a', []);
    await leader.start();
    await time.advance(100);
    await leader.stop();
    expect(leases.untilMs).to.equal(-1);
  });

  it('is not sought by a process that is not registered', async () => {
    const time = new VirtualTime();
    const leases = new LeaseDocument(time);
    const leadership = new Leadership({
      leases,
      runtime: time.runtime,
      log: silentLog,
      timing: DEFAULT_TIMING,
      name: 'beat',
      holder: 'a',
      incarnation: () => undefined,
      lead: () => Promise.resolve(),
    });
    await leadership.start();
    await time.advance(30_000);
    expect(leases.epoch).to.equal(0);
    await leadership.stop();
  });

  it('survives one renewal that fails: another one follows within the trust', async () => {
    const time = new VirtualTime();
    const leases = new LeaseDocument(time);
    const terms: Term[] = [];
    const leader = candidate(time, leases, 'a', terms);
    await leader.start();
    await time.advance(4_000);
    leases.away = true;
    await time.advance(2_000);
    leases.away = false;
    await time.advance(30_000);
    expect(leases.epoch).to.equal(1);
    await leader.stop();
  });
});
