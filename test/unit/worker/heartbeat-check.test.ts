import { expect } from 'chai';
import { quietEvents } from '../../support/quiet-events.js';

import type { Task } from '../../../src/core/task.js';
import { silentLog } from '../../../src/process/log.js';
import { checkNamedTasks } from '../../../src/worker/heartbeat-check.js';
import { OwnTasks } from '../../../src/worker/own-tasks.js';

const named = (id: string, token: string, exclusive: string[] = []): Task =>
  ({ id, name: 'n', state: 'running', queue: 'q', exclusive, shared: [], run: { token } }) as unknown as Task;

/** What the database says that this incarnation runs; `meanwhile` happens while it answers. */
async function check(
  own: OwnTasks,
  tasks: Task[],
  meanwhile = (): void => undefined,
): Promise<{ given: string[]; told: string[] }> {
  const [given, told]: string[][] = [[], []];
  const namedBy = (): Promise<Task[]> => {
    meanwhile();
    return Promise.resolve(tasks);
  };
  const giveBack = (id: string): Promise<boolean> => {
    given!.push(id);
    return Promise.resolve(id !== 'gone');
  };
  const hints = {
    start: ({ id }: { id: string }) => told!.push(`start ${id}`),
    changed: (ids: Iterable<string>) => told!.push(...ids),
  };
  await checkNamedTasks(
    { tasks: { namedBy, giveBack }, own, hints, events: quietEvents().events, cancel: () => undefined, log: silentLog },
    'i',
  );
  return { given: given!, told: told! };
}

describe('After a heartbeat', () => {
  it('a start that nobody knows of is given back and announced, so that others need not find it by query', async () => {
    const { given, told } = await check(new OwnTasks(), [named('a', 't'), named('b', 't', ['r']), named('gone', 't')]);
    expect(given).to.deep.equal(['a', 'b', 'gone']);
    expect(told).to.deep.equal(['start a', 'start b', 'b']);
  });

  it('a start that is under way stays, whichever task it will be of, also when it came to its end while the database answered', async () => {
    const own = new OwnTasks();
    own.expectAny('t');
    expect((await check(own, [named('a', 't')])).given).to.deep.equal([]);
    expect((await check(own, [named('a', 't')], () => own.forgetAny('t'))).given).to.deep.equal([]);
    expect((await check(own, [named('a', 't')])).given).to.deep.equal(['a']);
  });
});
