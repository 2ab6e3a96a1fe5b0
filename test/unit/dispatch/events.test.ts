import { expect } from 'chai';

import type { TaskEvent } from '../../../src/core/event.js';
import type { Task } from '../../../src/core/task.js';
import { Events } from '../../../src/dispatch/events.js';
import { silentLog } from '../../../src/process/log.js';
import { settled, VirtualTime } from '../../support/virtual-time.js';

const task = (id: string, change: Partial<Task> = {}): Task =>
  ({
    id,
    name: 'n',
    state: 'waiting',
    waitingFor: 'worker',
    attempt: 0,
    queue: 'q',
    tags: [],
    correlationId: 'c',
    ...change,
  }) as unknown as Task;

function setUp(get: (id: string) => Promise<Task | undefined>) {
  const emitted: TaskEvent[] = [];
  const events = new Events({
    broker: { emit: event => void emitted.push(event) },
    tasks: { get },
    clock: new VirtualTime().clock,
    log: silentLog,
  });
  return { events, told: () => emitted.map(({ id, state, kind }) => `${id} ${kind === 'task' ? state : kind}`) };
}

describe('telling what has changed', () => {
  it('asks the database for nothing where the record is at hand', () => {
    const { events, told } = setUp(() => Promise.reject(new Error('asked')));
    events.changed(task('a'));
    events.changed(task('a', { state: 'running' }), { state: 'completed' });
    events.reported(task('a', { state: 'running' }), []);
    expect(told()).to.deep.equal(['a waiting', 'a completed', 'a progress']);
  });

  it('reads what is known by its id alone, one after another, and goes on after one that cannot be read', async () => {
    let reading = 0;
    const { events, told } = setUp(async id => {
      expect(++reading).to.equal(1);
      await settled();
      reading--;
      if (id === 'b') throw new Error('away');
      return id === 'gone' ? undefined : task(id, { state: 'canceled' });
    });
    events.look(['a', 'b', 'gone']);
    events.look(['a', 'c']);
    await settled();
    await settled();
    await settled();
    await settled();
    await settled();
    expect(told(), 'what was asked for while it was read is read again').to.deep.equal([
      'a canceled',
      'a canceled',
      'c canceled',
    ]);
  });

  it('keeps a bounded number of ids', async () => {
    let reads = 0;
    const { events } = setUp(() => Promise.resolve((reads++, undefined)));
    events.look(Array.from({ length: 10_000 }, (_, n) => `t${n}`));
    await settled();
    expect(reads).to.be.at.most(500);
  });
});
