import type { Delivery } from '../../src/broker/broker.js';
import type { Task } from '../../src/core/task.js';
import { DEFAULT_TIMING } from '../../src/core/timing.js';
import { silentLog } from '../../src/process/log.js';
import type { TaskStore } from '../../src/store/store.js';
import { ClaimLoop } from '../../src/worker/claim-loop.js';
import { OwnTasks } from '../../src/worker/own-tasks.js';
import { familiarWith } from './familiar.js';
import { quietEvents } from './quiet-events.js';
import { startBest } from './start-best.js';
import { VirtualTime } from './virtual-time.js';

export const task = (id: string, seq: number, priority = 4): Task =>
  ({ id, seq, priority, attempt: 0, state: 'waiting' }) as Task;

/** A worker of two slots over a database and a broker that the test holds in its hands. */
// eslint-disable-next-line @typescript-eslint/explicit-module-boundary-types -- what the tests hold is said by its last line
export function setUp(
  change: Partial<Pick<TaskStore, 'claimable' | 'start'>> = {},
  incarnation: () => string | undefined = () => 'i1',
  types?: () => readonly string[],
) {
  const time = new VirtualTime();
  const own = new OwnTasks();
  const waiting: Task[] = [];
  const running = new Map<string, () => void>();
  /** Ends that take a while to be written, by task. */
  const writing = new Map<string, Promise<void>>();
  const broker = {
    deliver: (delivery: Delivery): unknown => delivery,
    prefetch: [] as number[],
    published: [] as string[],
    acked: [] as string[],
    given: [] as string[],
    wasted: [] as string[],
  };
  const tasks: Pick<TaskStore, 'claimable' | 'start'> = {
    claimable: ({ worker, limit }) => {
      const offered = waiting.filter(({ grant }) => grant?.worker === undefined || grant.worker === worker);
      return Promise.resolve(offered.toSorted((a, b) => b.priority - a.priority || a.seq - b.seq).slice(0, limit));
    },
    start: starts => {
      const ids = new Set(starts.map(start => start.id));
      waiting.splice(0, waiting.length, ...waiting.filter(({ id }) => !ids.has(id)));
      return Promise.resolve(ids);
    },
    ...change,
  };
  const loop = new ClaimLoop({
    tasks: { ...tasks, startBest: startBest(tasks), giveBack: id => (broker.given.push(id), Promise.resolve(true)) },
    own,
    events: quietEvents().events,
    hints: { start: task => broker.published.push(task.id), changed: () => undefined },
    intake: {
      sources: [{ to: 'queue', queue: 'default' }],
      broker: {
        publish: hint => (broker.published.push(hint.kind === 'start' ? hint.task : ''), Promise.resolve('confirmed')),
        consume: (_, prefetch, onDelivery) => {
          broker.prefetch.push(prefetch);
          broker.deliver = onDelivery;
          return { setPrefetch: count => broker.prefetch.push(count), close: () => Promise.resolve() };
        },
      },
    },
    familiar: familiarWith(time.runtime.clock, types),
    runtime: time.runtime,
    log: silentLog,
    timing: DEFAULT_TIMING,
    worker: 'w',
    queues: ['default'],
    slots: 2,
    incarnation,
    wasted: ids => broker.wasted.push(...ids),
    run: claimed => {
      own.begin(claimed.task);
      const ended = new Promise<void>(resolve => running.set(claimed.task.id, resolve));
      return { ended, recorded: Promise.all([ended, writing.get(claimed.task.id)]).then(() => undefined) };
    },
  });
  const hint = (id: string): void => {
    broker.deliver({ hint: { kind: 'start', task: id }, ack: () => broker.acked.push(id) });
  };
  const end = (id: string): void => {
    running.get(id)?.();
    running.delete(id);
  };
  return { time, loop, own, waiting, running, writing, broker, hint, end };
}
