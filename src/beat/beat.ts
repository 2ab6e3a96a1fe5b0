import type { Broker } from '../broker/broker.js';
import type { CountUp } from '../core/counts.js';
import type { OnMissing } from '../core/process.js';
import type { Retention } from '../core/retention.js';
import type { Timing } from '../core/timing.js';
import { Acceptance } from '../dispatch/acceptance.js';
import { cancelUnlessFinal } from '../dispatch/cancel.js';
import { Dependents } from '../dispatch/dependents.js';
import { Events } from '../dispatch/events.js';
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
  /** How long tasks that have ended are kept. */
  retention: Retention;
  count?: CountUp;
}

/** Time as a role: every beat sweeps, the leader creates the tasks of schedules. */
export class Beat implements Service {
  readonly name = 'beat';
  readonly #deps: BeatDeps;
  readonly #hints: Hints;
  readonly #events: Events;
  readonly #parts: Service[];
  readonly #leadership: Leadership;

  constructor(deps: BeatDeps) {
    this.#deps = deps;
    const { store, broker, runtime, log, timing, onMissing, retentionMs, retention, count } = deps;
    const hints = (this.#hints = new Hints(broker, runtime.clock));
    const events = (this.#events = new Events({ broker, tasks: store.tasks, clock: runtime.clock, log }));
    const leading = (): boolean => this.leading;
    const sweep = new Sweep({
      store,
      broker,
      hints,
      events,
      runtime,
      log,
      timing,
      onMissing,
      retentionMs,
      retention,
      leading,
      count,
    });
    this.#leadership = new Leadership({
      leases: store.leases,
      runtime,
      log,
      timing,
      name: 'beat',
      holder: deps.name,
      incarnation: deps.incarnation,
      lead: term => this.#lead(term),
      count,
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
    const { store, broker, submit, ticks, log } = this.#deps;
    const [hints, events] = [this.#hints, this.#events];
    const dependents = new Dependents({ tasks: store.tasks, joins: store.joins, hints, events, log });
    const canceling = { tasks: store.tasks, hints, events, dependents, broker };
    const slots: SlotsDeps = {
      ...{ schedules: store.schedules, tasks: store.tasks, submit, log },
      cancel: async id => {
        await cancelUnlessFinal(canceling, id, 'schedule');
      },
    };
    const delays = { tasks: store.tasks, hints: this.#hints, events: this.#events };
    const acceptance = new Acceptance({ maintenance: store.maintenance, clock: this.#deps.runtime.clock });
    while (term.trusted) {
      // What passes during a maintenance is missed, as without a beat.
      if (!(await acceptance.maintenance())) await createDueSlots(slots, () => term.trusted);
      // Every sweep looks for them too; at every tick, so that a retry after a second does not take five.
      await endDelays(delays, DELAYS_AT_A_TICK);
      await ticks.next(term.signal);
    }
  }
}
