import { expect } from 'chai';
import { v4 } from 'uuid';
import type { StoreError } from '../../../src/core/errors.js';
import type { MongoStore } from '../../../src/store/mongo/store.js';
import { testServers } from '../../support/servers.js';
import { TcpProxy } from '../../support/tcp-proxy.js';
import { until } from '../../support/wait.js';
import { mongoUnderTest, openStore } from './mongo-under-test.js';
import { thrown, WORKER } from './support.js';

const MINUTE = 60_000;
const ENDING = { id: v4(), token: v4(), outcome: { kind: 'completed' as const, result: 1 } };

describe('the MongoDB store when the server is out of reach', function () {
  this.timeout(60_000);
  const under = mongoUnderTest();
  let proxy: TcpProxy;
  let store: MongoStore;

  before(async () => {
    const { mongoUrl } = testServers();
    proxy = await TcpProxy.before(mongoUrl, 27_017);
    store = await openStore(under.db().databaseName, `mongodb://127.0.0.1:${proxy.port}/?directConnection=true`);
  });
  afterEach(async () => {
    proxy.set('pass');
    await until('it answers again', () => store.ping());
  });
  after(async () => {
    await store.close();
    await proxy.close();
  });

  it('ends a heartbeat by its deadline', async () => {
    await store.processes.list();
    proxy.set('blackhole');
    const begin = performance.now();
    expect((await thrown(store.processes.beat('w', v4(), { ttlMs: MINUTE, deadlineMs: 700 }))).outcome).to.equal('unknown');
    expect(performance.now() - begin, 'far from any other deadline').to.be.below(4_000);
  });

  it('ends every call, and knows that a write which was never sent did not happen', async () => {
    proxy.set('reset');
    await until('the driver has noticed', async () => (await thrown(store.tasks.finish([ENDING]))).outcome === 'refused');
    const errors = await Promise.all([
      thrown(store.tasks.get(v4())),
      thrown(store.tasks.start([{ id: v4(), attempt: 0, fence: 0 }], { ...WORKER, token: v4() })),
      thrown(store.leases.read('beat')),
      thrown(store.ping()),
    ]);
    expect(errors.map(error => error.outcome)).to.deep.equal(errors.map(() => 'refused'));
    // The driver may have sent these before it threw, or was still looking for a server when the time was over.
    const unsure = await Promise.all([
      thrown(store.tasks.cancel(v4(), 'ann', 'user')),
      thrown(store.tasks.giveBack(v4(), v4())),
      thrown(store.processes.stop('w', v4())),
    ]);
    expect(unsure.map(error => error.outcome)).to.deep.equal(['unknown', 'unknown', 'unknown']);
  });

  it('lets no error of a socket out', async () => {
    const errors: StoreError[] = [];
    for (let n = 0; n < 5; n++) {
      await Promise.all([store.processes.list(), store.tasks.get(v4()), store.tasks.get(v4())]);
      proxy.set('reset');
      errors.push(await thrown(store.processes.stop('w', v4())), await thrown(store.tasks.finish([{ ...ENDING, id: v4() }])));
      proxy.set('pass');
      await until('it answers again', () => store.ping());
      await until('the vital client too', () => store.processes.list());
    }
    expect(errors).to.have.length(10);
  });

  it('ends a read that is never answered', async () => {
    proxy.set('blackhole');
    expect((await thrown(store.tasks.get(v4()))).outcome).to.equal('refused');
  });

  it('closes although nothing is answered', async () => {
    const another = await openStore(under.db().databaseName, `mongodb://127.0.0.1:${proxy.port}/?directConnection=true`);
    proxy.set('blackhole');
    await another.close();
  });
});
