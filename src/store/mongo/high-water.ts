import { MongoServerSelectionError, MongoStalePrimaryError, type Collection, type Db, type Document } from 'mongodb';
import { InterlockError, OlderDatabase } from '../../core/errors.js';
import { behind, isOlder, raised, type Water } from '../../core/high-water.js';
import { LIMIT, read, write } from './calls.js';
import type { StoreLog } from './log.js';

/** Stands in `meta` once a process has seen the database go backwards, until a restore or the right files take its place. */
export interface BackwardsDocument {
  _id: 'backwards';
  seen: Water;
  found: Water;
  at: Date;
}

export interface HighWaterDeps {
  db: Db;
  /** Asks the same database over a connection that knows of no former elections. */
  anew: (ask: (db: Db) => Promise<void>) => Promise<void>;
  /** How often a primary was found again. */
  reconnects: () => number;
  log: StoreLog;
}

/**
 * The highest numbers that this process has seen, of those that a majority had: no failover takes them back, so a database that shows less is an older one.
 * It can become that only while nobody is connected to it, so it is looked at after each reconnection before any number is given out (a router may keep
 * the connection: with each heartbeat, too). Why so: docs/decisions/database-backwards.md.
 */
export class HighWater {
  readonly #db: Db;
  readonly #anew: HighWaterDeps['anew'];
  readonly #log: StoreLog;
  readonly #reconnects: () => number;
  #seen: Water | undefined;
  #lookedAfter = -1;
  #problem: string | undefined;
  #turn: Promise<void> = Promise.resolve();

  constructor({ db, anew, reconnects, log }: HighWaterDeps) {
    this.#db = db;
    this.#anew = anew;
    this.#reconnects = reconnects;
    this.#log = log;
  }

  /** What a majority had at the last look. */
  get seen(): Readonly<Pick<Water, 'seq' | 'fence' | 'epoch'>> {
    return this.#seen ?? NOTHING;
  }

  get problem(): string | undefined {
    return this.#problem;
  }

  /** Throws OlderDatabase, and StoreError where it cannot be looked at. `doubtful`: an answer was lower than it may be. */
  async sound(doubtful = false): Promise<void> {
    if (doubtful || this.#reconnects() !== this.#lookedAfter) await this.look(!doubtful);
    if (this.#problem !== undefined) throw new OlderDatabase(this.#problem);
  }

  /** One look after the other: an older answer never replaces a newer one. `unlessDone`: since the last reconnection. Throws StoreError. */
  look(unlessDone = false): Promise<void> {
    const turn = this.#turn.then(async () => {
      if (unlessDone && this.#reconnects() === this.#lookedAfter) return;
      await this.#look(this.#db).catch((error: unknown) => {
        if (!isOfOlderElection(error)) throw error;
        return this.#anew(db => this.#look(db));
      });
    });
    this.#turn = turn.catch(() => undefined); // the asker hears of the error
    return turn;
  }

  async #look(db: Db): Promise<void> {
    const after = this.#reconnects();
    const seen = this.#seen;
    let { water, mark } = await shown(db, 'majority');
    // A former primary, or a new one that has not caught up with its followers, may show an older majority: that proves nothing.
    if (seen && water && isOlder(water, seen)) ({ water, mark } = await shown(db, 'linearizable'));
    if (seen && water && !mark && isOlder(water, seen)) mark = await leaveMark(db, { seen, found: water, at: new Date() });
    if (water && !mark) this.#seen = seen ? raised(seen, water) : water;
    this.#tell(mark && backwards(db, mark));
    this.#lookedAfter = after;
  }

  #tell(problem: string | undefined): void {
    if (problem !== undefined && problem !== this.#problem) this.#log.error(problem);
    if (problem === undefined && this.#problem !== undefined)
      this.#log.warn('The database is no longer behind what was seen: this process goes on.');
    this.#problem = problem;
  }
}

/** Older files are of an older election: the driver, which knew a later one, refuses that server for good, and says so in words of its own. */
function isOfOlderElection(error: unknown): boolean {
  const { cause } = error as { cause?: unknown };
  return cause instanceof MongoServerSelectionError && cause.reason?.error instanceof MongoStalePrimaryError;
}

const NOTHING = { seq: 0, fence: 0, epoch: 0 };

/** Throws InterlockError `CONFLICT` for a database that went backwards, as far as this process or the mark can tell. */
export async function refuseBackwards(highWater: HighWater): Promise<void> {
  await highWater.look();
  if (highWater.problem !== undefined) throw new InterlockError('CONFLICT', highWater.problem);
}

/** What the mark says, if there is one. */
export async function backwardsOf(db: Db): Promise<string | undefined> {
  const mark = await read('mark of an older database', () => marks(db).findOne({ _id: 'backwards' }, LIMIT));
  return mark ? backwards(db, mark) : undefined;
}

function backwards(db: Db, { seen, found }: Pick<BackwardsDocument, 'seen' | 'found'>): string {
  return (
    `The database "${db.databaseName}" went backwards (${behind(found, seen)}): older files were put back under roles that had seen newer ones. Nothing is accepted, ` +
    'granted or started, since numbers and fences would be given a second time. Put the newer files back, or stop every role and run `interlock backup DIR` and ' +
    '`interlock restore DIR --replace`, which moves all numbers on (docs/backup.md).'
  );
}

function marks(db: Db): Collection<BackwardsDocument> {
  return db.collection<BackwardsDocument>('meta');
}

/** In the database that it speaks of, so that it goes with it; the first one stays. */
async function leaveMark(db: Db, mark: Omit<BackwardsDocument, '_id'>): Promise<Omit<BackwardsDocument, '_id'>> {
  await write('mark an older database', () =>
    marks(db).updateOne({ _id: 'backwards' }, { $setOnInsert: mark }, { upsert: true, ...LIMIT }),
  );
  return mark;
}

interface Shown {
  /** Undefined: not all of it is there, which others tell of. */
  water: Water | undefined;
  mark: Omit<BackwardsDocument, '_id'> | undefined;
}

/** One command: it goes with each heartbeat. */
async function shown(db: Db, level: 'majority' | 'linearizable'): Promise<Shown> {
  const one = (coll: string, _id: string): Document => ({ $unionWith: { coll, pipeline: [{ $match: { _id } }] } });
  const pipeline = [
    { $match: { _id: { $in: ['deployment', 'backwards'] } } },
    one('counters', 'seq'),
    one('leases', 'resource-manager'),
  ];
  const rows = await read('highest numbers', () =>
    db
      .collection('meta')
      .aggregate<Document & { _id: string }>(pipeline, { ...LIMIT, readConcern: { level } })
      .toArray(),
  );
  const of = (id: string): Document | undefined => rows.find(({ _id }) => _id === id);
  const [deployment, counter, lease] = [of('deployment'), of('seq'), of('resource-manager')];
  const mark = of('backwards') as BackwardsDocument | undefined;
  if (!deployment || !counter || !lease) return { water: undefined, mark };
  const { createdAt, generation, renumbered = 0 } = deployment as { createdAt: Date; generation: number; renumbered?: number };
  const origin = { createdAtMs: createdAt.getTime(), generation, renumbered };
  return { water: { ...origin, seq: Number(counter.n), fence: Number(lease.fence), epoch: Number(lease.epoch) }, mark };
}
