import { expect } from 'chai';
import {
  MongoBulkWriteError,
  MongoError,
  MongoNetworkError,
  MongoServerError,
  MongoServerSelectionError,
  type BulkWriteResult,
  type WriteError,
} from 'mongodb';
import { StoreError } from '../../../src/core/errors.js';
import { within } from '../../../src/store/mongo/calls.js';
import { certainlyNotWritten, LateError, onlyDuplicates, translated } from '../../../src/store/mongo/errors.js';
import { databaseOf } from '../../../src/store/mongo/url.js';

describe('errors of the MongoDB driver', () => {
  const selection = new MongoServerSelectionError('no server', {} as never);
  const server = (code: number, ...errorLabels: string[]) => new MongoServerError({ message: 'm', code, errorLabels });

  it('leave the adapter as StoreErrors with their cause', () => {
    const error = translated(server(50), 'start', 'unknown');
    expect(error).to.be.instanceOf(StoreError).and.to.include({ outcome: 'unknown', code: 'STORE_UNAVAILABLE' });
    expect(String(error)).to.include('start');
    expect(translated(new LateError(5), 'start', 'unknown')).to.be.instanceOf(StoreError);
  });

  it('leave a StoreError and a bug as they are', () => {
    const [known, bug] = [new StoreError('m', 'refused'), new TypeError('m')];
    expect(translated(known, 'start', 'unknown')).to.equal(known);
    expect(translated(bug, 'start', 'unknown')).to.equal(bug);
  });

  const certain: [what: string, error: unknown, sentOnce: boolean, certain: boolean][] = [
    ['no server was found for a command that is sent once', selection, true, true],
    ['no server was found for a command that may have been sent before', selection, false, false],
    ['the connection broke', new MongoNetworkError('m'), true, false],
    ['the time was over', new LateError(5), true, false],
    ['the server stopped midway', server(50), true, false],
    ['a majority was not reached', server(64), true, false],
    ['the server says that nothing was written', server(91, 'NoWritesPerformed'), false, true],
    ['the user may not', server(13), false, true],
    ['the driver was closed', new MongoError('m'), true, false],
    ['a socket broke', Object.assign(new Error('write ECONNRESET'), { syscall: 'write' }), true, false],
  ];
  for (const [what, error, sentOnce, answer] of certain) {
    it(`${answer ? 'are' : 'are not'} certain to have written nothing when ${what}`, () => {
      expect(certainlyNotWritten(error, sentOnce)).to.equal(answer);
    });
  }
});

describe('a grouped insert that failed in part', () => {
  const failed = (codes: number[], writeConcernError?: object): MongoBulkWriteError => {
    const writeErrors = codes.map(code => ({ code }) as unknown as WriteError);
    const result = { getWriteConcernError: () => writeConcernError } as unknown as BulkWriteResult;
    return new MongoBulkWriteError({ message: 'm', code: codes[0] ?? 64, writeErrors }, result);
  };
  const cases: [what: string, error: unknown, answer: boolean][] = [
    ['duplicates', failed([11_000, 11_000]), true],
    ['duplicates and one that was too large', failed([11_000, 10_334, 11_000]), false],
    ['duplicates, and a majority that did not confirm', failed([11_000], { code: 64 }), false],
    ['a majority that did not confirm', failed([]), false],
    ['a connection that broke', new MongoNetworkError('m'), false],
  ];
  for (const [what, error, answer] of cases) {
    it(`${answer ? 'has' : 'has not'} stored the others for certain after ${what}`, () => {
      expect(onlyDuplicates(error)).to.equal(answer);
    });
  }
});

describe('a deadline', () => {
  it('ends the waiting for what never comes', async () => {
    const never = new Promise<never>(() => undefined);
    expect(await within(5, never).catch((error: unknown) => error)).to.be.instanceOf(LateError);
  });

  it('hands on what comes in time, errors too', async () => {
    expect(await within(10_000, Promise.resolve(1))).to.equal(1);
    const failed = within(10_000, Promise.reject(new TypeError('m')));
    expect(await failed.catch((error: unknown) => error)).to.be.instanceOf(TypeError);
  });
});

describe('the database of a URL', () => {
  const cases: [url: string, name: string][] = [
    ['mongodb://a', 'interlock'],
    ['mongodb://a/', 'interlock'],
    ['mongodb://a:1,b:2/?replicaSet=rs0', 'interlock'],
    ['mongodb://u:p%2F@a/site%20one?replicaSet=rs0', 'site one'],
    ['mongodb+srv://a/x', 'x'],
  ];
  for (const [url, name] of cases) {
    it(`of ${url} is ${name}`, () => {
      expect(databaseOf(url)).to.equal(name);
    });
  }
});
