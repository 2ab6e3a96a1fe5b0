import { onOwnChannel } from './channel.js';
import { explain, within } from './deadline.js';
import type { Link } from './link.js';
import type { AmqpTiming, BrokerLog } from './options.js';
import type { Repair } from './queue-repair.js';
import type { Names, QueuePlan } from './topology.js';

/** In a row, and over `muteMs` at least: the election of a quorum queue's leader takes seconds. */
const FAILURES = 3;
/** Whatever the reason is: a broker that is merely slow must not be kept busy with deletions. */
const REPAIR_EVERY_MS = 60_000;

export interface MuteQueuesPlan {
  names: Names;
  timing: AmqpTiming;
  log: BrokerLog;
  repair: (queue: QueuePlan) => Promise<Repair>;
}

interface Failures {
  count: number;
  sinceMs: number;
}

/**
 * Finds queues that the broker knows and cannot serve. RabbitMQ 3.10 registers a new quorum queue on disk up to a second late; after a
 * kill in that second it can be declared, but is silent to consumers and publishers (or refuses them with 541 and nacks, if there was an
 * older one of its name) until somebody deletes it. See docs/decisions/mute-queues.md.
 */
export class MuteQueues {
  readonly #plan: MuteQueuesPlan;
  /** By queue; only those that failed last time. */
  readonly #failures = new Map<string, Failures>();
  readonly #repairedMs = new Map<string, number>();

  constructor(plan: MuteQueuesPlan) {
    this.#plan = plan;
  }

  /** The queue did what was asked of it. */
  answered(queue: string): void {
    this.#failures.delete(queue);
  }

  /** The queue refused, or took its connection down. Never rejects. */
  async failed(queue: QueuePlan, cause: Error): Promise<void> {
    await this.#isTreated(queue, cause);
  }

  /**
   * The queue let a deadline pass on `link`. True when `link` is of no more use: it answers nothing at all, or the queue failed too
   * often and was treated. (A channel that waits for a silent queue takes its connection along after 60 s, with 541.) Never rejects.
   */
  async silent(queue: QueuePlan, link: Link, cause: Error): Promise<boolean> {
    return !(await this.#answers(link)) || (await this.#isTreated(queue, cause));
  }

  async #answers(link: Link): Promise<boolean> {
    const { names, timing } = this.#plan;
    const asking = onOwnChannel(link, channel => channel.checkExchange(names.tasks));
    return within(timing.publishMs, 'asking for an exchange', asking).then(
      () => true,
      () => false,
    );
  }

  async #isTreated(queue: QueuePlan, cause: Error): Promise<boolean> {
    const now = performance.now();
    const failures = this.#failures.get(queue.name) ?? { count: 0, sinceMs: now };
    this.#failures.set(queue.name, failures);
    failures.count++;
    if (failures.count < FAILURES || now - failures.sinceMs < this.#plan.timing.muteMs) return false;
    this.#failures.delete(queue.name);
    if (this.#mayRepair(queue.name, now)) await this.#repair(queue, cause, failures.count);
    return true;
  }

  #mayRepair(queue: string, now: number): boolean {
    for (const [name, atMs] of this.#repairedMs) if (now - atMs >= REPAIR_EVERY_MS) this.#repairedMs.delete(name);
    if (this.#repairedMs.has(queue)) return false;
    this.#repairedMs.set(queue, now);
    return true;
  }

  async #repair(queue: QueuePlan, cause: Error, times: number): Promise<void> {
    const { log, repair } = this.#plan;
    const fields = { queue: queue.name, cause: cause.message, times };
    try {
      const outcome = await repair(queue);
      if (outcome === 'repaired') log.warn('a queue did nothing but exist: deleted it and declared it anew', fields);
      else log.info('a queue that failed was left as it is', { ...fields, outcome });
    } catch (error) {
      log.warn('could not repair a queue that fails', { ...fields, failure: explain(error) });
    }
  }
}
