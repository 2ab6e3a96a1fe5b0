import type { Broker, EventFeed } from '../../broker/broker.js';
import { eventOf, type TaskEvent } from '../../core/event.js';
import type { Log } from '../../process/log.js';
import { Loop } from '../../process/loop.js';
import type { Runtime } from '../../process/runtime.js';
import type { TaskStore } from '../../store/store.js';
import { Ends } from './ends.js';
import { Follower } from './follower.js';
import { heartbeatFrame, type ResyncReason } from './frame.js';
import type { EventLimits } from './limits.js';
import { Ring, type Entry } from './ring.js';
import { TaskWatch } from './task-watch.js';

export interface SessionDeps {
  broker: Pick<Broker, 'listen'>;
  tasks: Pick<TaskStore, 'byIds' | 'endedWithin' | 'get'>;
  runtime: Runtime;
  log: Log;
  limits: EventLimits;
  /** Nobody has read here for a while. */
  abandoned: () => void;
}

export type Watcher = Follower | TaskWatch;

/** One command names at most this many ids. */
const PART = 500;

/** From the first reader until some time after the last: what is heard, what of it is kept, and who is told. */
export class Session {
  readonly ring: Ring;
  readonly #deps: SessionDeps;
  readonly #watchers = new Set<Watcher>();
  readonly #live = new AbortController();
  readonly #feed: EventFeed;
  readonly #rounds: Loop;
  #ends: Ends | undefined;
  #followedAtMs = -Infinity;
  #emptySinceMs: number;
  #beatAtMs: number;
  #comparedAtMs: number;

  constructor(deps: SessionDeps) {
    const { broker, runtime, limits, log } = deps;
    const { clock, random } = runtime;
    this.#deps = deps;
    this.ring = new Ring(random.uuid().slice(0, 8), limits);
    this.#emptySinceMs = this.#beatAtMs = this.#comparedAtMs = clock.monotonicMs();
    this.#feed = broker.listen({ event: event => this.#heard(event), missed: why => this.#missed(why) });
    const everyMs = Math.min(limits.heartbeatMs, limits.compareMs) / 5;
    this.#rounds = new Loop({ name: 'events', everyMs, runtime, log }, () => this.#round());
    void this.#rounds.start();
  }

  get watchers(): ReadonlySet<Watcher> {
    return this.#watchers;
  }

  /** Resolves when events are heard, after `liveMs` in any case: whoever comes without a broker is told when it is back. */
  async hears(): Promise<void> {
    const { runtime, limits } = this.#deps;
    if (!this.#feed.live) await runtime.timers.sleep(limits.liveMs, this.#live.signal);
  }

  add(watcher: Watcher): void {
    const { tasks, runtime } = this.#deps;
    this.#watchers.add(watcher);
    if (watcher instanceof Follower) {
      this.#ends ??= new Ends(tasks, runtime.clock);
      this.#followedAtMs = runtime.clock.monotonicMs();
    }
    watcher.reader.once('close', () => {
      this.#watchers.delete(watcher);
      this.#emptySinceMs = runtime.clock.monotonicMs();
    });
  }

  async close(): Promise<void> {
    for (const { reader } of this.#watchers) reader.close();
    this.#live.abort();
    await Promise.all([this.#rounds.stop(), this.#feed.close()]);
  }

  #heard(event: TaskEvent): void {
    this.#ends?.note(event);
    this.#tell(this.ring.add(event));
  }

  /** The first time nobody has missed anything, except where somebody came before the broker did. */
  #missed(why: ResyncReason): void {
    this.#live.abort();
    if (this.ring.size > 0 || this.#watchers.size > 0) this.#tell(this.ring.resync(why));
  }

  #tell(entry: Entry): void {
    for (const watcher of this.#watchers) watcher.take(entry);
  }

  async #round(): Promise<undefined> {
    const { runtime, limits, log, abandoned } = this.#deps;
    const now = runtime.clock.monotonicMs();
    for (const { reader } of this.#watchers) if (reader.stalledMs > limits.slowMs) reader.destroy();
    if (now - this.#beatAtMs >= limits.heartbeatMs) {
      this.#beatAtMs = now;
      const beat = heartbeatFrame(this.ring.position);
      for (const { reader } of this.#watchers) reader.offer(beat);
      await this.#dismiss().catch((error: unknown) => log.debug('Readers of events were not checked.', { err: error }));
    }
    if (now - this.#comparedAtMs >= limits.compareMs) {
      this.#comparedAtMs = now;
      await this.#compare().catch((error: unknown) => log.debug('Events were not compared with the database.', { err: error }));
    }
    if (this.#watchers.size === 0 && now - this.#emptySinceMs >= limits.lingerMs) abandoned();
  }

  /** Those who may not read any more; they come back, and are told why. */
  async #dismiss(): Promise<void> {
    for (const { reader } of this.#watchers) if (!(await reader.permitted())) reader.close();
  }

  /** What was told with what the records say: whoever waits for an end hears of it, whatever became of its event. */
  async #compare(): Promise<void> {
    await this.#compareWatched();
    await this.#compareEnds();
  }

  async #compareWatched(): Promise<void> {
    const watches = [...this.#watchers].filter(each => each instanceof TaskWatch);
    for (let from = 0; from < watches.length; from += PART) {
      const part = watches.slice(from, from + PART);
      const found = new Map((await this.#deps.tasks.byIds([...new Set(part.map(({ id }) => id))])).map(task => [task.id, task]));
      for (const watch of part) {
        const task = found.get(watch.id);
        if (!task || watch.isNews(task)) watch.look();
      }
    }
  }

  /** For followers, and for as long as one may come back to what is in the ring. */
  async #compareEnds(): Promise<void> {
    const { runtime, limits } = this.#deps;
    if (!this.#ends) return;
    const now = runtime.clock.monotonicMs();
    if ([...this.#watchers].some(each => each instanceof Follower)) this.#followedAtMs = now;
    const over = now - this.#followedAtMs > limits.lingerMs;
    const missed = over ? undefined : await this.#ends.look();
    if (over) this.#ends = undefined;
    if (missed) for (const task of missed) this.#heard(eventOf(task, task.finishedAt ?? task.createdAt));
    else this.#tell(this.ring.resync('compared'));
  }
}
