import { expect } from 'chai';
import { MongoServerSelectionError, MongoStalePrimaryError, type Db, type Document, type TopologyDescription } from 'mongodb';

import { OlderDatabase, StoreError } from '../../../src/core/errors.js';
import { HighWater } from '../../../src/store/mongo/high-water.js';

type Level = 'majority' | 'linearizable';

/** A database that answers each read concern as it is told, counts the looks, and keeps the mark. */
class Answers {
  reads: Level[] = [];
  mark: Document | undefined;
  seq: Record<Level, number> = { majority: 0, linearizable: 0 };
  failing = false;
  /** So often the driver finds no server that it takes. */
  stale = 0;

  set both(seq: number) {
    this.seq = { majority: seq, linearizable: seq };
  }

  get db(): Db {
    const collection = {
      aggregate: (_: unknown, { readConcern }: { readConcern: { level: Level } }) => ({
        toArray: () => {
          if (this.failing) return Promise.reject(new StoreError('away', 'refused'));
          if (this.stale-- > 0) return Promise.reject(staleElection());
          return Promise.resolve(this.#rows(readConcern.level));
        },
      }),
      updateOne: (_: unknown, { $setOnInsert }: Document) => {
        this.mark ??= { _id: 'backwards', ...($setOnInsert as Document) };
        return Promise.resolve({});
      },
    };
    return { databaseName: 'x', collection: () => collection } as unknown as Db;
  }

  #rows(level: Level): Document[] {
    this.reads.push(level);
    return [
      { _id: 'deployment', createdAt: new Date(0), generation: 1 },
      { _id: 'seq', n: this.seq[level] },
      { _id: 'resource-manager', fence: 1, epoch: 1 },
      ...(this.mark ? [this.mark] : []),
    ];
  }
}

function staleElection(): Error {
  const reason = { error: new MongoStalePrimaryError('primary marked stale') } as unknown as TopologyDescription;
  return new MongoServerSelectionError('no server', reason);
}

describe('a process that remembers how far its database had come', () => {
  let answers: Answers;
  let reconnects: number;
  let asked: number;
  let told: string[];
  let highWater: HighWater;
  beforeEach(() => {
    answers = new Answers();
    answers.both = 1_044;
    reconnects = 0;
    told = [];
    const say = (message: string): void => void told.push(message);
    const anew = (ask: (db: Db) => Promise<void>): Promise<void> => {
      asked++;
      return ask(answers.db);
    };
    asked = 0;
    highWater = new HighWater({ db: answers.db, anew, reconnects: () => reconnects, log: { info: say, warn: say, error: say } });
  });
  const refusal = (): Promise<unknown> =>
    highWater.sound().then(
      () => undefined,
      (error: unknown) => error,
    );

  it('looks once for each time that the connection was lost', async () => {
    for (let n = 0; n < 3; n++) await highWater.sound();
    expect(answers.reads).to.deep.equal(['majority']);
    reconnects++;
    await Promise.all([highWater.sound(), highWater.sound()]);
    expect(answers.reads).to.deep.equal(['majority', 'majority']);
  });

  it('refuses to go on when the database is behind that, says so once, and leaves a mark in it', async () => {
    await highWater.sound();
    answers.both = 812;
    reconnects++;
    expect(await refusal())
      .to.be.instanceOf(StoreError)
      .with.property('outcome', 'refused');
    expect(String(await refusal())).to.include('went backwards (number 812 < seen 1,044)');
    expect(told).to.have.length(1);
    expect(answers.mark).to.deep.include({ _id: 'backwards' });
    expect(answers.mark).to.have.nested.property('seen.seq', 1_044);
  });

  it('believes neither a former primary nor one that has not caught up: what counts is what the primary of now confirms', async () => {
    await highWater.sound();
    answers.seq = { majority: 812, linearizable: 1_044 };
    reconnects++;
    await highWater.sound();
    expect(answers.reads).to.deep.equal(['majority', 'majority', 'linearizable']);
    expect(answers.mark).to.equal(undefined);
  });

  it('refuses by the mark of another process, also when the numbers have passed what was seen', async () => {
    answers.mark = { _id: 'backwards', seen: { seq: 1_044 }, found: { seq: 812 } };
    answers.both = 5_000;
    expect(String(await refusal())).to.include('number 812 < seen 1,044');
  });

  it('goes on when the newer files are back, which have no mark', async () => {
    await highWater.sound();
    answers.both = 812;
    reconnects++;
    expect(await refusal()).to.be.instanceOf(OlderDatabase);
    answers.both = 1_044;
    answers.mark = undefined;
    await highWater.look();
    expect(await refusal()).to.equal(undefined);
    expect(told[1]).to.include('goes on');
  });

  it('asks over a new connection where the driver refuses the server for its older election', async () => {
    await highWater.sound();
    answers.both = 812;
    answers.stale = 1;
    reconnects++;
    expect(await refusal()).to.be.instanceOf(OlderDatabase);
    expect(asked).to.equal(1);
  });

  it('gives nothing out while it cannot look', async () => {
    await highWater.sound();
    reconnects++;
    answers.failing = true;
    expect(String(await refusal())).to.include('away');
    answers.failing = false;
    expect(await refusal()).to.equal(undefined);
  });
});
