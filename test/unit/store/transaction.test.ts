import { expect } from 'chai';
import { MongoNetworkError, MongoServerError, type ClientSession } from 'mongodb';
import { StoreError } from '../../../src/core/errors.js';
import { inTransaction } from '../../../src/store/mongo/transaction.js';

const conflict = (): MongoServerError => {
  const error = new MongoServerError({ code: 112, message: 'Please retry your operation or multi-document transaction.' });
  error.addErrorLabel('TransientTransactionError');
  return error;
};
const cutOff = (): Error => new MongoNetworkError('connection closed');

/** A session whose commits meet with these errors, one after the other, and then with none. */
class Session {
  readonly #commits: (Error | undefined)[];
  begun = 0;
  commits = 0;
  #open = false;

  constructor(...commits: (Error | undefined)[]) {
    this.#commits = commits;
  }

  startTransaction(): void {
    this.begun++;
    this.#open = true;
  }

  inTransaction(): boolean {
    return this.#open;
  }

  commitTransaction(): Promise<void> {
    this.#open = false;
    const error = this.#commits[this.commits++];
    return error ? Promise.reject(error) : Promise.resolve();
  }

  abortTransaction(): Promise<void> {
    this.#open = false;
    return Promise.resolve();
  }

  run(): Promise<number> {
    return inTransaction(this as unknown as ClientSession, 'grant', () => Promise.resolve({ commit: true, value: this.begun }));
  }
}

describe('a transaction', () => {
  it('that is aborted by a conflict at its commit is tried again from its beginning', async () => {
    const session = new Session(conflict());
    expect(await session.run()).to.equal(2);
    expect([session.begun, session.commits]).to.deep.equal([2, 2]);
  });

  it('that meets a conflict at every commit was refused: nothing of it is stored', async () => {
    const session = new Session(...Array.from({ length: 9 }, conflict));
    const error: unknown = await session.run().catch((thrown: unknown) => thrown);
    expect(error).to.be.instanceOf(StoreError).and.to.include({ outcome: 'refused' });
    expect(session.begun).to.equal(5);
  });

  it('sends its commit again when the answer is lost, and says that it does not know when the second is, too', async () => {
    const once = new Session(cutOff());
    expect(await once.run()).to.equal(1);
    expect([once.begun, once.commits]).to.deep.equal([1, 2]);
    const twice = new Session(cutOff(), cutOff());
    const error: unknown = await twice.run().catch((thrown: unknown) => thrown);
    expect(error).to.be.instanceOf(StoreError).and.to.include({ outcome: 'unknown' });
    expect([twice.begun, twice.commits]).to.deep.equal([1, 2]);
  });
});
