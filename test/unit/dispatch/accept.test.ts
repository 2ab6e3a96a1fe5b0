import { expect } from 'chai';

import { StoreError, type InterlockError } from '../../../src/core/errors.js';
import type { Hint } from '../../../src/core/hint.js';
import type { NewTask, Task } from '../../../src/core/task.js';
import { Acceptor, type AcceptorDeps } from '../../../src/dispatch/accept.js';
import { Hints } from '../../../src/dispatch/hints.js';
import type { InsertVerdict } from '../../../src/store/store.js';
import { quietEvents } from '../../support/quiet-events.js';
import { settled, VirtualTime } from '../../support/virtual-time.js';

function newTask(id: string, bodyHash?: string): NewTask {
  const idempotency = bodyHash === undefined ? {} : { idempotency: { principal: 'p', key: 'k', bodyHash } };
  return {
    id,
    name: 't',
    queue: 'default',
    state: 'waiting',
    waitingFor: 'worker',
    exclusive: [],
    shared: [],
    ...idempotency,
  } as unknown as NewTask;
}

const stored = (task: NewTask, seq: number): Task => ({ ...task, seq, createdAt: new Date(0) });

/** A store whose inserts the test lets through one by one. */
function setUp(
  verdict: (task: NewTask, seq: number) => InsertVerdict = (task, seq) => ({ kind: 'stored', task: stored(task, seq) }),
) {
  let next = 1;
  const inserts: { ids: string[]; go: () => void }[] = [];
  const hints: Hint[] = [];
  const { events, told } = quietEvents();
  const deps: AcceptorDeps = {
    tasks: {
      takeNumbers: count => Promise.resolve((next += count) - count),
      insert: (tasks, first) =>
        new Promise(resolve =>
          inserts.push({ ids: tasks.map(task => task.id), go: () => resolve(tasks.map((task, i) => verdict(task, first + i))) }),
        ),
      insertAll: () => Promise.reject(new Error('not asked for here')),
      byIdempotencyKey: () => Promise.resolve(undefined),
    },
    hints: new Hints(
      {
        publish: hint => (hints.push(hint), Promise.resolve('confirmed')),
        depth: () => Promise.resolve(undefined),
        broadcast: () => undefined,
      },
      new VirtualTime().clock,
    ),
    events,
  };
  const go = async (): Promise<void> => {
    await settled();
    inserts.at(-1)?.go();
    await settled();
  };
  return { acceptor: new Acceptor(deps), deps, inserts, hints, told, go };
}

async function failure(promise: Promise<unknown>): Promise<InterlockError> {
  try {
    await promise;
  } catch (error) {
    return error as InterlockError;
  }
  throw new Error('did not fail');
}

describe('accepting a task', () => {
  it('does not wait for company, and lets those who come meanwhile share the next insert', async () => {
    const { acceptor, inserts, told, go } = setUp();
    const first = acceptor.accept(newTask('a'));
    await settled();
    expect(told, 'nothing is told that is not stored').to.deep.equal([]);
    const others = ['b', 'c', 'd'].map(id => acceptor.accept(newTask(id)));
    await go();
    expect((await first).task.seq).to.equal(1);
    await go();
    expect((await Promise.all(others)).map(({ task }) => task.seq)).to.deep.equal([2, 3, 4]);
    expect(inserts.map(insert => insert.ids)).to.deep.equal([['a'], ['b', 'c', 'd']]);
    expect(told).to.deep.equal(['a waiting', 'b waiting', 'c waiting', 'd waiting']);
  });

  it('hints only what is stored', async () => {
    const { acceptor, hints, go } = setUp();
    const accepted = acceptor.accept(newTask('a'));
    await settled();
    expect(hints).to.deep.equal([]);
    await go();
    await accepted;
    expect(hints).to.deep.equal([{ kind: 'start', task: 'a' }]);
  });

  it('takes a new number when its own was closed meanwhile', async () => {
    const { acceptor, go } = setUp((task, seq) =>
      seq === 1 ? { kind: 'seq-taken' } : { kind: 'stored', task: stored(task, seq) },
    );
    const accepted = acceptor.accept(newTask('a'));
    await go();
    await go();
    expect((await accepted).task.seq).to.equal(2);
  });

  it('gives up with OVERLOADED when its numbers are closed again and again', async () => {
    const { acceptor, go } = setUp(() => ({ kind: 'seq-taken' }));
    const refused = failure(acceptor.accept(newTask('a')));
    for (let i = 0; i < 3; i++) await go();
    expect((await refused).code).to.equal('OVERLOADED');
  });

  it('answers a repeated request with the first task, and one with another body with IDEMPOTENCY_KEY_REUSED', async () => {
    const first = stored(newTask('first', 'hash'), 1);
    const { acceptor, go } = setUp(() => ({ kind: 'duplicate', task: first }));
    const same = acceptor.accept(newTask('again', 'hash'));
    await go();
    expect(await same).to.deep.equal({ task: first, replayed: true });
    const other = failure(acceptor.accept(newTask('other', 'another hash')));
    await go();
    expect((await other).code).to.equal('IDEMPOTENCY_KEY_REUSED');
  });

  it('tells everybody in a batch when the database does not answer, and serves the next ones', async () => {
    const { acceptor, deps, go } = setUp();
    const insert = deps.tasks.insert;
    deps.tasks.insert = () => Promise.reject(new StoreError('away', 'unknown'));
    const errors = await Promise.all([failure(acceptor.accept(newTask('a'))), failure(acceptor.accept(newTask('b')))]);
    expect(errors.map(error => error.code)).to.deep.equal(['STORE_UNAVAILABLE', 'STORE_UNAVAILABLE']);
    deps.tasks.insert = insert;
    const later = acceptor.accept(newTask('c'));
    await go();
    expect((await later).replayed).to.equal(false);
  });

  it('refuses more than it can hold', async () => {
    const { acceptor } = setUp();
    for (let i = 0; i <= 5_000; i++) acceptor.accept(newTask(`t${i}`)).catch(() => undefined);
    expect((await failure(acceptor.accept(newTask('one too many')))).code).to.equal('OVERLOADED');
  });
});
