import { expect } from 'chai';

import { explain, type Explanation } from '../../../src/core/explain.js';
import type { InLine } from '../../../src/core/line.js';
import type { Task } from '../../../src/core/task.js';

const NOW = new Date('2026-03-01T12:00:00.000Z');
const since = new Date(NOW.getTime() - 30_000);

/** One in line, with number 100. */
function task(change: Partial<Task>): Task {
  return {
    ...{ id: 'me', seq: 100, name: 't', args: [], kwargs: {}, queue: 'default', priority: 4, exclusive: [], shared: [] },
    ...{ state: 'waiting', waitingFor: 'resources', attempt: 0, maxAttempts: 1, onWorkerLoss: 'cancel', attempts: [] },
    ...{ progress: [], createdResources: [], correlationId: 'c', tags: [], createdAt: NOW },
    ...change,
  };
}

const waiting = (id: string, seq: number, change: Partial<InLine>): InLine => ({ id, seq, exclusive: [], shared: [], ...change });
const holding = (id: string, seq: number, change: Partial<InLine>): InLine => ({
  ...waiting(id, seq, change),
  grant: { fence: seq, epoch: 1, at: since },
  run: { worker: 'worker@a', incarnation: 'i', token: 't', at: since },
});

function explained(of: Task, lines: Record<string, InLine[]>, capacity?: number): Explanation {
  const capacities = new Map(capacity === undefined ? [] : [['gpu', capacity]]);
  const facts = { workers: [], resourceManager: true, beat: true, now: NOW };
  return explain({ task: of, lines: { lineOf: name => lines[name] ?? [], capacities }, ...facts });
}

describe('Explaining a task that waits', () => {
  it('for a pattern, names what the holder has of it', () => {
    const line = [holding('h', 1, { exclusive: ['r/x'] }), waiting('aside', 2, { exclusive: ['q'] })];
    const { text } = explained(task({ exclusive: ['r/**'] }), { 'r/**': line });
    expect(text).to.include(`It waits for "r/**" (exclusive), which task h holds "r/x" on worker@a since ${since.toISOString()}`);
  });

  describe('for units', () => {
    const units = (n: number) => ({ counted: [{ name: 'gpu', units: n }] });

    it('tells how many are held, and who is before it', () => {
      const line = [holding('h', 1, units(3)), waiting('before', 50, units(2)), waiting('me', 100, units(2))];
      const { resources, text, waitingFor } = explained(task(units(2)), { gpu: [...line, waiting('after', 150, units(1))] }, 4);
      expect(resources[0]).to.deep.include({ mode: 'counted', units: 2, capacity: 4, held: 3, ahead: ['before'], position: 2 });
      expect(text).to.equal('It waits for 2 units of "gpu", of which 3 of 4 are held; 1 task stands in line before it.');
      expect(waitingFor).to.equal('resources');
    });

    it('says that nothing is in its way as long as all of them fit', () => {
      const line = [holding('h', 1, units(1)), waiting('before', 50, units(1))];
      expect(explained(task(units(2)), { gpu: line }, 4).text).to.include('Nothing is in its way: "gpu"');
    });

    it('says that it asks for more than there are by now, or that somebody before it does', () => {
      expect(explained(task(units(5)), {}, 4).text).to.equal(
        'It asks for 5 units of "gpu", but there are only 4 now: it waits until there are more (interlock resource capacity "gpu" 5) or somebody cancels it.',
      );
      expect(explained(task(units(1)), { gpu: [waiting('big', 50, units(9))] }, 4).text).to.include(
        '1 task stands in line before it (task big asks for 9, more than there are)',
      );
    });

    it('says that nobody declares them any more', () => {
      expect(explained(task(units(1)), {}).text).to.include(
        'nobody declares how many there are: interlock resource capacity "gpu"',
      );
    });

    it('names who keeps all of it', () => {
      const line = [holding('h', 1, { exclusive: ['gpu'] })];
      expect(explained(task(units(1)), { gpu: line }, 4).text).to.include('1 unit of "gpu", which task h holds on');
    });
  });

  describe('for a limit', () => {
    const limit = (capacity: number) => ({ counted: [{ name: 'concurrency:import', units: 1, capacity }] });
    const asked = (of: Task, line: InLine[]) =>
      explained(of, { 'concurrency:import': line, r: [holding('x', 3, { exclusive: ['r'] })] });
    const busy = [holding('a', 1, limit(2)), holding('b', 2, limit(2)), waiting('me', 100, limit(2))];

    it('names it, how many run, and the place in line', () => {
      const { text, waitingFor } = asked(task(limit(2)), busy);
      expect(text).to.equal(
        'It waits for the limit "import": 2 of at most 2 at a time run, or are about to; it is next in line.',
      );
      expect(waitingFor).to.equal('limit');
    });

    it('goes by the newest number that waits', () => {
      expect(asked(task(limit(2)), [...busy, waiting('new', 150, limit(3))]).text).to.include('Nothing is in its way');
    });

    it('does not call it one while a resource keeps it, too', () => {
      const { text, waitingFor } = asked(task({ exclusive: ['r'], ...limit(1) }), [holding('a', 1, limit(1))]);
      expect(waitingFor).to.equal('resources');
      expect(text).to.include('It waits for "r" (exclusive)').and.to.include('It also waits for the limit "import".');
    });
  });
});
