import { expect } from 'chai';

import { StoreError } from '../../../src/core/errors.js';
import type { Rate } from '../../../src/core/rate.js';
import { DEFAULT_TIMING } from '../../../src/core/timing.js';
import type { NewTask, Task } from '../../../src/core/task.js';
import { silentLog } from '../../../src/process/log.js';
import { ResourceManager } from '../../../src/resource-manager/resource-manager.js';
import type { GrantStore, Store } from '../../../src/store/store.js';
import { accept, newTask, startAll } from '../../contract/store/support.js';
import { SimulatedDatabase } from '../../../src/testing/store/database.js';
import { simulatedStore } from '../../../src/testing/store/store.js';
import { loopbackBroker } from '../../support/loopback-broker.js';
import { VirtualTime } from '../../support/virtual-time.js';

const SECOND = 1_000;
const HOUR = 3_600 * SECOND;
const TEN: Rate = { key: 'k', count: 10, perMs: SECOND };
const HOURLY: Rate = { key: 'k', count: 1, perMs: HOUR };

function limited(rate: Rate, change: Partial<NewTask> = {}): NewTask {
  return newTask({ rate, waitingFor: 'resources', ...change });
}

/** A resource manager on the store of the simulation, whose time goes on when it is told to. */
class Deployment {
  readonly time = new VirtualTime();
  readonly store: Store;
  readonly broker = loopbackBroker();
  readonly calls = new Map<string, number>();
  /** By how much the server's clock was set forward. */
  jumpMs = 0;
  grant: GrantStore['grant'];
  #manager: ResourceManager | undefined;
  #incarnations = 0;

  constructor() {
    this.store = simulatedStore(
      new SimulatedDatabase(() => new Date(1_700_000_000_000 + this.time.clock.monotonicMs() + this.jumpMs)),
    );
    this.grant = (...args) => this.store.grants.grant(...args);
  }

  async lead(): Promise<void> {
    const incarnation = `rm/${++this.#incarnations}`;
    const { tasks, rates, grants } = this.store;
    this.#manager = new ResourceManager({
      store: {
        ...this.store,
        tasks: { ...tasks, range: this.#counted('range', (...args) => tasks.range(...args)) },
        rates: { ...rates, buckets: this.#counted('buckets', keys => rates.buckets(keys)) },
        grants: { ...grants, grant: this.#counted('grant', (...args) => this.grant(...args)) },
      },
      ...{ broker: this.broker, runtime: this.time.runtime, log: silentLog, timing: DEFAULT_TIMING, name: 'rm' },
      ...{ incarnation: () => incarnation, assignment: 'late', onMissing: 'reassign' },
    });
    await this.#manager.start();
    await this.time.advance(SECOND);
  }

  async stop(): Promise<void> {
    await this.#manager?.stop();
  }

  /** With the hint that their accepting brings. */
  async accept(...tasks: NewTask[]): Promise<Task[]> {
    const stored = await accept(this.store, ...tasks);
    await this.told(stored);
    return stored;
  }

  async told(tasks: readonly Task[]): Promise<void> {
    await this.broker.publish({ kind: 'changed', tasks: tasks.map(({ id }) => id) }, { to: 'resource-manager' });
    await this.time.advance(1);
  }

  /** Of these, the places of those that were granted. */
  async granted(tasks: readonly Task[]): Promise<number[]> {
    const found = await Promise.all(tasks.map(({ id }) => this.store.tasks.get(id)));
    return found.flatMap((task, place) => (task?.grant || task?.attempts.length ? [place] : []));
  }

  /** Starts all of these that may start. */
  async start(tasks: readonly Task[]): Promise<Task[]> {
    const found = await Promise.all(tasks.map(({ id }) => this.store.tasks.get(id)));
    const ready = found.flatMap(task => (task?.waitingFor === 'worker' ? [task] : []));
    await startAll(this.store, ready);
    return ready;
  }

  #counted<A extends unknown[], R>(name: string, call: (...args: A) => R): (...args: A) => R {
    return (...args) => {
      this.calls.set(name, (this.calls.get(name) ?? 0) + 1);
      return call(...args);
    };
  }
}

describe('granting by rate limits', () => {
  let at: Deployment;
  beforeEach(() => {
    at = new Deployment();
  });
  afterEach(() => at.stop());

  const many = (count: number, rate: Rate, change: Partial<NewTask> = {}): NewTask[] =>
    Array.from({ length: count }, () => limited(rate, change));
  const upTo = (count: number): number[] => Array.from({ length: count }, (_, place) => place);

  it('grants a burst, then one after the other, in order of acceptance', async () => {
    await at.lead();
    const tasks = await at.accept(...many(15, TEN));
    expect(await at.granted(tasks)).to.deep.equal(upTo(10));
    await at.told(await at.start(tasks));
    await at.time.advance(90);
    expect(await at.granted(tasks)).to.deep.equal(upTo(10));
    await at.time.advance(15);
    expect(await at.granted(tasks)).to.deep.equal(upTo(11));
    await at.time.advance(400);
    expect(await at.granted(tasks)).to.deep.equal(upTo(15));
  });

  it('grants no more than a burst while nobody starts them, and hears of their starts without a hint', async () => {
    await at.lead();
    const tasks = await at.accept(...many(15, TEN));
    await at.time.advance(HOUR);
    expect(await at.granted(tasks)).to.deep.equal(upTo(10));
    await at.start(tasks);
    await at.time.advance(DEFAULT_TIMING.passMs + 110);
    expect(await at.granted(tasks)).to.deep.equal(upTo(11));
  });

  it('lets a task that waits for its turn keep its place in its lines, and delays nobody else', async () => {
    await at.lead();
    const [, first, behind, other, unlimited] = await at.accept(
      limited(HOURLY),
      limited(HOURLY, { exclusive: ['r'] }),
      newTask({ exclusive: ['r'], waitingFor: 'resources' }),
      newTask({ exclusive: ['s'], waitingFor: 'resources' }),
      limited({ ...HOURLY, key: 'another' }),
    );
    expect(await at.granted([first!, behind!, other!, unlimited!])).to.deep.equal([2, 3]);
  });

  it('gives a turn to the first that has its resources', async () => {
    await at.lead();
    const [holder, first, second] = await at.accept(
      newTask({ exclusive: ['r'], waitingFor: 'resources' }),
      limited(HOURLY, { exclusive: ['r'] }),
      limited(HOURLY, { exclusive: ['s'] }),
    );
    expect(await at.granted([holder!, first!, second!])).to.deep.equal([0, 2]);
    await at.told(await at.start([second!]));
    await at.time.advance(HOUR + 2);
    expect(await at.granted([first!])).to.deep.equal([]);
    await at.store.tasks.cancel(holder!.id, 'ann', 'user');
    await at.told([holder!]);
    expect(await at.granted([first!])).to.deep.equal([0]);
  });

  it('leaves one out that was cancelled while it waited for its turn', async () => {
    await at.lead();
    const tasks = await at.accept(...many(3, HOURLY));
    await at.told(await at.start(tasks));
    await at.store.tasks.cancel(tasks[1]!.id, 'ann', 'user');
    await at.told([tasks[1]!]);
    await at.time.advance(HOUR + 2);
    expect(await at.granted(tasks)).to.deep.equal([0, 2]);
  });

  it('lets one with an earlier number that was stored late go first, though it has to wait for something else', async () => {
    await at.lead();
    const [first, holder] = await at.accept(limited(HOURLY), newTask({ exclusive: ['s'], waitingFor: 'resources' }));
    await at.told(await at.start([first!]));
    const number = await at.store.tasks.takeNumbers(1);
    const [later] = await at.accept(limited(HOURLY, { exclusive: ['r'] }));
    await at.time.advance(SECOND);
    const [verdict] = await at.store.tasks.insert([limited(HOURLY, { exclusive: ['r', 's'] })], number);
    const late = verdict?.kind === 'stored' ? verdict.task : undefined;
    await at.time.advance(2 * HOUR);
    expect(await at.granted([late!, later!])).to.deep.equal([]);
    await at.store.tasks.cancel(holder!.id, 'ann', 'user');
    await at.told([holder!]);
    expect(await at.granted([late!, later!])).to.deep.equal([0]);
    await at.store.tasks.cancel(late!.id, 'ann', 'user');
    await at.told([late!]);
    await at.time.advance(HOUR + SECOND);
    expect(await at.granted([later!]), 'it never lost its place').to.deep.equal([0]);
  });

  it('takes the limit of the newest number', async () => {
    await at.lead();
    const tasks = await at.accept(...many(3, HOURLY));
    await at.told(await at.start(tasks));
    await at.time.advance(SECOND);
    expect(await at.granted(tasks)).to.deep.equal([0]);
    const [newest] = await at.accept(limited({ ...TEN, count: 2 }));
    await at.time.advance(1_100);
    expect(await at.granted([...tasks, newest!])).to.deep.equal([0, 1, 2]);
  });

  it('grants more than a batch of different keys', async () => {
    await at.lead();
    const tasks = await at.accept(...upTo(250).map(n => limited({ ...HOURLY, key: `k${n}` })));
    await at.time.advance(SECOND);
    expect(await at.granted(tasks)).to.have.length(250);
  });

  it('remembers over a change of leaders when the last one began', async () => {
    await at.lead();
    const tasks = await at.accept(...many(2, HOURLY));
    await at.time.advance(10 * HOUR); // no worker yet
    await at.start(tasks);
    await at.stop();
    await at.lead();
    await at.time.advance(HOUR - 3 * SECOND);
    expect(await at.granted(tasks)).to.deep.equal([0]);
    await at.time.advance(3 * SECOND);
    expect(await at.granted(tasks)).to.deep.equal(upTo(2));
  });

  it('knows at a new leader who was granted and has not begun', async () => {
    await at.lead();
    const tasks = await at.accept(...many(20, TEN));
    await at.stop();
    await at.time.advance(HOUR);
    await at.lead();
    await at.time.advance(HOUR);
    expect(await at.granted(tasks)).to.deep.equal(upTo(10));
  });

  it('waits at most one bucket longer when the clock of the server was set back before a change of leaders', async () => {
    await at.lead();
    const tasks = await at.accept(...many(11, TEN));
    await at.start(tasks);
    await at.stop();
    at.jumpMs = -HOUR;
    await at.time.advance(HOUR + 20 * SECOND); // until the lease has lapsed by that clock
    await at.lead();
    await at.time.advance(SECOND);
    expect(await at.granted(tasks)).to.deep.equal(upTo(11));
  });

  it('grants nothing twice when the answer to a grant is lost', async () => {
    await at.lead();
    let lost = 0;
    at.grant = async (...args) => {
      const verdict = await at.store.grants.grant(...args);
      if (lost++ === 0) throw new StoreError('no answer', 'unknown');
      return verdict;
    };
    const tasks = await at.accept(...many(15, TEN));
    await at.time.advance(60 * SECOND);
    expect(await at.granted(tasks), 'its own successor').to.deep.equal(upTo(10));
    expect(lost).to.equal(1);
  });

  it('takes a new turn for a start after a failure, and none for one after a loss', async () => {
    await at.lead();
    const [again] = await at.accept(limited(HOURLY, { maxAttempts: 3, onWorkerLoss: 'requeue' }));
    const finish = async (outcome: object): Promise<void> => {
      const [started] = await at.start([again!]);
      const { run } = (await at.store.tasks.get(started!.id))!;
      await at.store.tasks.finish([{ id: again!.id, token: run!.token, outcome: outcome as never }]);
      await at.told([again!]);
    };
    await finish({ kind: 'requeued', reason: 'worker-lost' });
    expect(await at.store.tasks.get(again!.id)).to.include({ waitingFor: 'worker' });
    await finish({ kind: 'retried', error: { code: 'X', message: '' }, delayMs: 0, hold: false });
    await at.store.tasks.promote(await at.store.tasks.due(1), await at.store.tasks.takeNumbers(1));
    await at.time.advance(HOUR - 10 * SECOND);
    expect(await at.store.tasks.get(again!.id)).to.include({ waitingFor: 'resources' });
    await at.time.advance(11 * SECOND);
    expect(await at.store.tasks.get(again!.id)).to.include({ waitingFor: 'worker' });
  });

  it('asks for nothing more while turns are far off, and never for a bucket where no task has a rate', async () => {
    await at.lead();
    await at.accept(newTask({ exclusive: ['r'], waitingFor: 'resources' }));
    await at.time.advance(10 * SECOND);
    expect(at.calls.get('buckets')).to.equal(undefined);
    const tasks = await at.accept(...upTo(500).map(n => limited({ ...HOURLY, key: `k${n % 250}` })));
    await at.told(await at.start(tasks));
    await at.time.advance(10 * SECOND);
    at.calls.clear();
    await at.time.advance(60 * SECOND);
    expect(Object.fromEntries(at.calls)).to.deep.equal({ range: 60 });
  });
});
