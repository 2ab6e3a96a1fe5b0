import { expect } from 'chai';
import type { Document } from 'mongodb';
import { InterlockError, StoreError } from '../../../src/core/errors.js';
import { silentLog } from '../../../src/process/log.js';
import { openMongoStore } from '../../../src/store/mongo/store.js';
import { FakeMongod } from './fake-mongod.js';

const PASSWORD = 'opensesame';
const open = (url: string) => openMongoStore({ url, appName: 'interlock-test', log: silentLog });

async function refusal(url: string): Promise<InterlockError> {
  const error = await open(url)
    .then(store => store.close())
    .catch((thrown: unknown) => thrown);
  if (!(error instanceof InterlockError)) return expect.fail(`no InterlockError, but ${String(error)}`);
  expect(error.message).not.to.include(PASSWORD);
  return error;
}

describe('opening the MongoDB store', function () {
  this.timeout(30_000);

  const member = { setName: 'rs0', hosts: [] as string[], isWritablePrimary: true };
  const servers: [what: string, hello: Document, query: string, version: string, says: RegExp][] = [
    [
      'a standalone',
      { isWritablePrimary: true },
      '',
      '7.0.0',
      /standalone.*--replSet rs0, then run: mongosh --eval 'rs\.initiate\(\)'/,
    ],
    [
      'a standalone that is taken for a replica set',
      { isWritablePrimary: true },
      '?replicaSet=rs0',
      '7.0.0',
      /standalone.*--replSet/,
    ],
    [
      'a set that was never initiated',
      { isWritablePrimary: false, isreplicaset: true, secondary: false },
      '?replicaSet=rs0',
      '7.0.0',
      /never initiated\. Run: mongosh/,
    ],
    ['an old version', member, '?directConnection=true', '4.4.29', /4\.4\.29 is too old.*5\.0/],
  ];
  for (const [what, hello, query, version, says] of servers) {
    it(`refuses ${what}, and says what mends it`, async () => {
      const fake = await FakeMongod.listen(hello, version);
      try {
        const error = await refusal(`mongodb://${fake.address}/${query}`);
        expect(error.code).to.equal('VALIDATION_FAILED');
        expect(error.message).to.match(says);
      } finally {
        await fake.close();
      }
    });
  }

  const urls: [query: string, says: RegExp][] = [
    ['?readPreference=secondary', /readPreference=secondary/],
    ['?readPreference=secondaryPreferred', /readPreference=secondaryPreferred/],
    ['?w=1', /w=1/],
    ['?w=0', /w=0/],
    ['?readConcernLevel=local', /readConcernLevel=local/],
    ['?nonsense=1', /nonsense/],
  ];
  for (const [query, says] of urls) {
    it(`refuses a URL with ${query}`, async () => {
      const error = await refusal(`mongodb://ann:${PASSWORD}@127.0.0.1:1/${query}`);
      expect(error.code).to.equal('VALIDATION_FAILED');
      expect(error.message).to.match(says);
    });
  }

  it('gives up on a server that is not there, within its time', async () => {
    const error = await refusal(`mongodb://127.0.0.1:1/?replicaSet=rs0`);
    expect(error).to.be.instanceOf(StoreError).and.to.include({ outcome: 'refused' });
  });
});
