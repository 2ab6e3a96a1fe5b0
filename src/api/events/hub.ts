import { InterlockError } from '../../core/errors.js';
import type { EventFilter } from './filter.js';
import { Follower } from './follower.js';
import { openingFrame, resyncFrame } from './frame.js';
import { Reader } from './reader.js';
import { Session, type SessionDeps, type Watcher } from './session.js';
import { TaskWatch } from './task-watch.js';

/** How the streams are doing. */
export interface EventFigures {
  readers: number;
  /** Bytes that wait for readers: of all, and of the one that is furthest behind. */
  backlogBytes: number;
  largestBacklogBytes: number;
  /** Backlogs that gave way to a resync, since the process began. */
  resyncs: number;
}

/** How a stream was asked for. */
interface Asked {
  lastId: string | undefined;
  permitted: () => Promise<boolean>;
}

/** All streams of this API. Nothing is heard, and nothing costs anything, while nobody reads. */
export class EventHub {
  readonly #deps: Omit<SessionDeps, 'abandoned'>;
  #session: Session | undefined;
  #opening = 0;
  #resyncs = 0;
  #released = false;

  constructor(deps: Omit<SessionDeps, 'abandoned'>) {
    this.#deps = deps;
  }

  get figures(): EventFigures {
    const readers = this.#readers();
    const backlogs = readers.map(({ backlog }) => backlog);
    return {
      readers: readers.length,
      backlogBytes: backlogs.reduce((sum, each) => sum + each, 0),
      largestBacklogBytes: Math.max(0, ...backlogs),
      resyncs: this.#resyncs + readers.reduce((sum, { resyncs }) => sum + resyncs, 0),
    };
  }

  /** What matches, from now on, or from after the last id. Throws OVERLOADED. */
  async follow(filter: EventFilter, asked: Asked): Promise<Reader> {
    return this.#open(asked, (_session, reader) => new Follower(reader, filter));
  }

  /** One task, which is there; with what was missed since the last id, as far as that is known. Throws OVERLOADED. */
  async watch(id: string, asked: Asked): Promise<Reader> {
    const { tasks, log } = this.#deps;
    const read = (): ReturnType<typeof tasks.get> => tasks.get(id);
    return this.#open(asked, (session, reader) => {
      return new TaskWatch({ id, reader, read, position: () => session.ring.position, log });
    });
  }

  /** Ends all streams, now and from now on; their readers come back, to another API. */
  async release(): Promise<void> {
    this.#released = true;
    await this.#session?.close();
    this.#session = undefined;
  }

  async #open({ lastId, permitted }: Asked, watcherOf: (session: Session, reader: Reader) => Watcher): Promise<Reader> {
    this.#assertOpen();
    this.#assertRoom();
    const session = (this.#session ??= this.#begin());
    this.#opening++;
    try {
      await session.hears();
    } finally {
      this.#opening--;
    }
    this.#assertOpen();
    const { ring } = session;
    const reader = new Reader({
      clock: this.#deps.runtime.clock,
      limit: () => this.#backlogLimit(),
      resync: () => resyncFrame(ring.position, 'slow'),
      permitted,
      recovered: () => {
        if (watcher instanceof TaskWatch) watcher.forget();
      },
    });
    reader.once('close', () => (this.#resyncs += reader.resyncs));
    const watcher = watcherOf(session, reader);
    session.add(watcher);
    this.#tellEarlier(session, watcher, lastId);
    if (watcher instanceof TaskWatch) watcher.look(); // after it is heard: nothing falls between
    return reader;
  }

  #tellEarlier({ ring }: Session, watcher: Watcher, lastId: string | undefined): void {
    const missed = lastId === undefined ? [] : ring.after(lastId);
    watcher.reader.offer(openingFrame(missed && missed.length > 0 ? undefined : ring.position));
    if (!missed) watcher.reader.offer(resyncFrame(ring.position, 'unknown-id'));
    for (const entry of missed ?? []) watcher.take(entry);
  }

  #begin(): Session {
    const session: Session = new Session({
      ...this.#deps,
      abandoned: () => {
        if (this.#session !== session || this.#opening > 0) return;
        this.#session = undefined;
        void session.close();
      },
    });
    return session;
  }

  #assertOpen(): void {
    if (this.#released) throw new InterlockError('OVERLOADED', 'This API is stopping. Come back, to another one.');
  }

  #assertRoom(): void {
    const { readers } = this.#deps.limits;
    if ((this.#session?.watchers.size ?? 0) + this.#opening < readers) return;
    throw new InterlockError('OVERLOADED', `${readers} streams of events are open already. Come back later.`);
  }

  /** So that all of them together stay within bounds, however many they are. */
  #backlogLimit(): number {
    const { backlogBytes, backlogsBytes } = this.#deps.limits;
    return Math.min(backlogBytes, backlogsBytes / Math.max(1, this.#session?.watchers.size ?? 1));
  }

  #readers(): Reader[] {
    return [...(this.#session?.watchers ?? [])].map(({ reader }) => reader);
  }
}
