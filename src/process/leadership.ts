import type { CountUp } from '../core/counts.js';
import type { Timing } from '../core/timing.js';
import type { Lease, LeaseName, LeaseStore } from '../store/store.js';
import type { Log } from './log.js';
import { jittered, type Runtime } from './runtime.js';
import type { Service } from './service.js';
import { Term } from './term.js';

export interface LeadershipDeps {
  leases: LeaseStore;
  runtime: Runtime;
  log: Log;
  timing: Timing;
  name: LeaseName;
  holder: string;
  /** Undefined while the process is not registered: then it does not stand for election. */
  incarnation: () => string | undefined;
  /** The leader's work. Resolves, or throws, when it is over; must end soon after `term.signal` aborts. */
  lead: (term: Term) => Promise<void>;
  count?: CountUp | undefined;
}

/**
 * Step 2: at most one process acts under a name. The lease lives in the database by server time; locally it is trusted by the
 * monotonic clock until *attempt start + leaseTrustMs*. Any doubt ends the term, and a new one has a higher epoch. AMQP decides nothing.
 */
export class Leadership implements Service {
  readonly name: string;
  readonly #deps: LeadershipDeps;
  readonly #stopping = new AbortController();
  #term: Term | undefined;
  #running: Promise<void> | undefined;
  #stoodBy = false;

  constructor(deps: LeadershipDeps) {
    this.#deps = deps;
    this.name = `${deps.name} leadership`;
  }

  get leading(): boolean {
    return this.#term?.trusted ?? false;
  }

  start(): Promise<void> {
    this.#running ??= this.#run();
    return Promise.resolve();
  }

  async stop(): Promise<void> {
    this.#stopping.abort();
    this.#term?.end('this process stops');
    await this.#running;
  }

  async #run(): Promise<void> {
    const { runtime, timing, log, name } = this.#deps;
    while (!this.#stopping.signal.aborted) {
      try {
        const term = await this.#stand();
        if (term) await this.#serve(term);
      } catch (error) {
        log.warn(`Standing for ${name} failed.`, { err: error });
      }
      // Half a renewal: a lapsed lease is noticed soon, and spares do not ask in step.
      await runtime.timers.sleep(jittered(timing.leaseRenewMs / 2, runtime.random), this.#stopping.signal);
    }
  }

  async #stand(): Promise<Term | undefined> {
    const { leases, runtime, timing, log, name, holder } = this.#deps;
    const incarnation = this.#deps.incarnation();
    if (incarnation === undefined) return undefined;
    const askedAtMs = runtime.clock.monotonicMs();
    const lease = await leases.acquire(name, { name: holder, incarnation }, timing.leaseMs);
    if (!lease) {
      if (!this.#stoodBy) log.info(`Hot spare: another process leads as ${name}; this one takes over when it fails.`);
      this.#stoodBy = true;
      return undefined;
    }
    if (this.#stoodBy) log.warn(`Failover occurred: ${holder} is now the leading ${name}.`, { epoch: lease.epoch });
    else log.info(`${holder} leads as ${name}.`, { epoch: lease.epoch });
    this.#stoodBy = false;
    this.#deps.count?.('terms');
    return new Term(lease, { clock: runtime.clock, trustMs: timing.leaseTrustMs }, askedAtMs);
  }

  async #serve(term: Term): Promise<void> {
    const { log, name, leases } = this.#deps;
    this.#term = term;
    const renewing = this.#renew(term);
    try {
      await this.#deps.lead(term);
      term.end('its work ended');
    } catch (error) {
      log.error(`The term as ${name} ends with an error.`, { err: error, epoch: term.lease.epoch });
      term.end('an error');
    }
    await renewing;
    this.#term = undefined;
    log.info(`No longer leading as ${name}: ${term.endedBecause ?? ''}.`, { epoch: term.lease.epoch });
    await leases
      .resign(term.lease)
      .catch((error: unknown) => log.debug('Could not resign; the lease lapses by itself.', { err: error }));
  }

  async #renew(term: Term): Promise<void> {
    const { runtime, timing } = this.#deps;
    let waitMs = timing.leaseRenewMs;
    while (!term.signal.aborted) {
      await runtime.timers.sleep(waitMs, term.signal);
      const renewed = await term.inTurn(() => this.#renewOnce(term.lease, term));
      // After a failure other tries must fit into what is left of the trust.
      waitMs = renewed ? timing.leaseRenewMs : jittered(timing.leaseRenewMs / 5, runtime.random);
    }
  }

  async #renewOnce(lease: Lease, term: Term): Promise<boolean> {
    const { leases, runtime, timing, log } = this.#deps;
    if (term.signal.aborted) return false;
    const askedAtMs = runtime.clock.monotonicMs();
    try {
      const mine = await leases.renew(lease, timing.leaseMs);
      if (mine) term.trustFrom(askedAtMs);
      else term.end('the lease is no longer ours');
      return mine;
    } catch (error) {
      log.warn('The lease was not renewed.', { err: error });
      if (!term.trusted) term.end('the lease can no longer be trusted');
      return false;
    }
  }
}
