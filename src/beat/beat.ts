import type { Broker } from '../broker/broker.js';
import type { OnMissing } from '../core/process.js';
import type { Timing } from '../core/timing.js';
import { Hints } from '../dispatch/hints.js';
import { Leadership } from '../process/leadership.js';
import type { Log } from '../process/log.js';
import { Loop } from '../process/loop.js';
import type { Runtime } from '../process/runtime.js';
import { startAll, stopAll, type Service } from '../process/service.js';
import type { Term } from '../process/term.js';
import type { Store } from '../store/store.js';
import { endDelays } from './delays.js';
import { createDueSlots, type SlotsDeps } from './slots.js';
import { Sweep } from './sweep.js';
import type { Ticks } from './ticks.js';

/** A flood is for the sweep, which goes through page after page. */
const DELAYS_AT_A_TICK = 100;

export interface BeatDeps {
  store: Store;
  broker: Broker;
  runtime: Runtime;
  log: Log;
  timing: Timing;
  name: string;
  incarnation: () => string | undefined;
  submit: SlotsDeps['submit'];
  ticks: Ticks;
  onMissing: OnMissing;
  /** How long the record of a process that has ended is kept. */
  retentionMs: number;
}

/** Time as a role: every beat sweeps, the leader creates the tasks of schedules. */
export class Beat implements Service {
  readonly name = 'beat';
  readonly #deps: BeatDeps;
  readonly #hints: Hints;
  readonly #parts: Service[];
  readonly #leadership: Leadership;

  constructor(deps: BeatDeps) {
    this.#deps = deps;
    const { store, broker, runtime, log, timing, onMissing, retentionMs } = deps;
    const hints = (this.#hints = new Hints(broker, runtime.clock));
    const leading = (): boolean => this.leading;
    const sweep = new Sweep({ store, broker, hints, runtime, log, timing, onMissing, retentionMs, leading });
    this.#leadership = new Leadership({
      leases: store.leases,
      runtime,
      log,
      timing,
      name: 'beat',
      holder: deps.name,
      incarnation: deps.incarnation,
      lead: term => this.#lead(term),
    });
    this.#parts = [new Loop({ name: 'sweep', everyMs: timing.sweepMs, runtime, log }, () => sweep.runOnce()), this.#leadership];
  }

  get leading(): boolean {
    return this.#leadership.leading;
  }

  start(): Promise<void> {
    return startAll(this.#parts);
  }

  async stop(): Promise<void> {
    await stopAll(this.#parts);
    await this.#deps.ticks.stop();
  }

  async #lead(term: Term): Promise<void> {
    const { store, submit, ticks, log } = this.#deps;
    const delays = { tasks: store.tasks, hints: this.#hints };
    while (term.trusted) {
      await createDueSlots({ schedules: store.schedules, submit, log }, () => term.trusted);
      // Every sweep looks for them too; at every tick, so that a retry after a second does not take five.
      await endDelays(delays, DELAYS_AT_A_TICK);
      await ticks.next(term.signal);
    }
  }
}
