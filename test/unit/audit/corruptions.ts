import { claimsOf } from '../../../src/core/reservation.js';
import { isFinal } from '../../../src/core/state.js';
import type { Attempt, Task } from '../../../src/core/task.js';
import type { Finding, History, Rule } from '../../../src/audit/history.js';
import { firstSpan, full, submitted, together, tooMany, withPair, withRivals } from './pairs.js';

export interface Corruption {
  name: string;
  rule: Rule;
  /** Spoils the history; resolves with the id that the finding must name, or undefined where there was nothing to spoil. */
  plant: (history: History) => string | undefined;
}

const CORRUPTIONS: readonly Corruption[] = [
  {
    name: 'two bodies on one resource',
    rule: 'overlap',
    plant: history =>
      withRivals(history, (earlier, later) => {
        return together(history, earlier, later);
      }),
  },
  {
    name: 'two attempts on one resource, by the records',
    rule: 'overlap',
    plant: history =>
      withRivals(history, (earlier, later) => {
        const [a, b] = [earlier.attempts.at(-1), later.attempts[0]];
        if (!a || !b) return undefined;
        a.finishedAt = new Date(b.startedAt.getTime() + 1);
        earlier.finishedAt = a.finishedAt;
        if (b.finishedAt <= b.startedAt) return undefined;
        return later.id;
      }),
  },
  {
    name: 'a body beneath a pattern that another one had',
    rule: 'overlap',
    plant: history =>
      withRivals(history, (earlier, later) => {
        const names = [earlier, later].map(task => claimsOf(task).map(claim => claim.resource));
        if (names[0]!.some(name => names[1]!.includes(name))) return undefined; // only the pattern makes them rivals
        return together(history, earlier, later);
      }),
  },
  {
    name: 'bodies that counted more units than there are',
    rule: 'overlap',
    plant: history => withPair(history, tooMany, (earlier, later) => together(history, earlier, later)),
  },
  {
    name: 'holds of more units than there are, by the records',
    rule: 'overlap',
    plant: history =>
      withPair(history, tooMany, (earlier, later) => {
        const [a, b] = [earlier.attempts.at(-1), later.attempts[0]];
        if (!a || !b || b.finishedAt <= b.startedAt) return undefined;
        a.finishedAt = new Date(b.startedAt.getTime() + 1);
        earlier.finishedAt = a.finishedAt;
        return later.id;
      }),
  },
  {
    name: 'a body that began twice as the same start',
    rule: 'doubled',
    plant: history => {
      const span = full(history).bodies[0];
      if (!span) return undefined;
      full(history).bodies.push({ ...span, begin: span.last + 1, last: span.last + 2 });
      return span.task;
    },
  },
  {
    name: 'an end with its worker where the type asks for another start',
    rule: 'illegal',
    plant: history => {
      const task = ended(history, ({ state, attempts }) => state === 'completed' && attempts.length === 1);
      if (!task) return undefined;
      Object.assign(task.attempts[0]!, { reason: 'worker-lost', finishedAt: task.finishedAt! });
      Object.assign(task, { state: 'canceled', reason: 'worker-lost', onWorkerLoss: 'requeue', maxAttempts: 2 });
      return task.id;
    },
  },
  {
    name: 'a task called poisoned while starts were left',
    rule: 'illegal',
    plant: history => {
      const task = ended(history, ({ state, attempts }) => state === 'failed' && attempts.length === 1);
      if (!task) return undefined;
      task.attempts[0]!.reason = 'worker-lost';
      Object.assign(task, { onWorkerLoss: 'requeue', maxAttempts: 2, error: { code: 'POISONED', message: 'm' } });
      return task.id;
    },
  },
  {
    name: 'more starts than are allowed',
    rule: 'doubled',
    plant: history => {
      const task = ended(history, ({ maxAttempts, attempts }) => attempts.length === maxAttempts);
      if (!task) return undefined;
      const last = task.attempts.at(-1)!;
      task.attempts.push({ ...last, n: last.n + 1, token: 'fresh', startedAt: task.finishedAt!, finishedAt: task.finishedAt! });
      task.attempt++;
      return task.id;
    },
  },
  {
    name: 'an accepted task without a record',
    rule: 'lost',
    plant: history => {
      const [lost] = history.tasks.splice(0, 1);
      return lost?.id;
    },
  },
  {
    name: 'a task that overtook another',
    rule: 'fifo',
    plant: history =>
      withRivals(history, (earlier, later) => {
        const [a, b] = [firstSpan(history, earlier), firstSpan(history, later)];
        const [first, second] = [submitted(history, earlier), submitted(history, later)];
        if (!a || !b || first.delayed === true || first.answeredAt >= second.askedAt) return undefined;
        [a.begin, b.begin] = [b.begin, a.begin];
        return later.id;
      }),
  },
  {
    name: 'a start where none was recorded',
    rule: 'illegal',
    plant: history => {
      const task = ended(history, each => each.attempts.length > 0);
      if (!task) return undefined;
      task.attempt++;
      return task.id;
    },
  },
  {
    name: 'an attempt that is missing among the others',
    rule: 'illegal',
    plant: history => {
      const task = ended(history, each => each.attempts.length > 1);
      if (!task) return undefined;
      task.attempts.shift();
      return task.id;
    },
  },
  {
    name: 'a final task that still names a run',
    rule: 'illegal',
    plant: history => {
      const task = ended(history, each => each.attempts.length > 0);
      if (!task) return undefined;
      const { worker, incarnation } = task.attempts[0]!;
      task.run = { worker, incarnation, token: 'fresh', at: task.finishedAt! };
      return task.id;
    },
  },
  {
    name: 'a final task that still holds',
    rule: 'illegal',
    plant: history => {
      const task = ended(history, each => each.attempts.at(-1)?.grant !== undefined);
      if (!task) return undefined;
      task.grant = { ...task.attempts.at(-1)!.grant!, at: task.createdAt };
      return task.id;
    },
  },
  {
    name: 'a number that two tasks share',
    rule: 'illegal',
    plant: ({ tasks: [a, b] }) => {
      if (!a || !b) return undefined;
      b.seq = a.seq;
      return b.id;
    },
  },
  {
    name: 'a token that two starts share',
    rule: 'illegal',
    plant: history =>
      withTwo(
        history,
        (a, b) => (b.token = a.token),
        ({ reason }) => reason === 'completed',
      ),
  },
  {
    name: 'fences that two grants share',
    rule: 'fence',
    plant: history => withTwoGrants(history, (a, b) => (b.fence = a.fence)),
  },
  {
    name: 'a grant by a deposed resource manager',
    rule: 'fence',
    plant: history => withTwoGrants(history, (a, b) => ((a.fence < b.fence ? a : b).epoch = 1_000)),
  },
  {
    name: 'a task that never ended',
    rule: 'unfinished',
    plant: history => {
      const task = ended(history, each => each.attempts.length === 0 && each.state === 'canceled');
      if (!task) return undefined;
      delete task.finishedAt;
      delete task.cancel;
      delete task.reason;
      Object.assign(task, { state: 'waiting', waitingFor: 'delay', dueAt: task.createdAt });
      return task.id;
    },
  },
  {
    name: 'a body that went on after its cancel',
    rule: 'cancel-ignored',
    plant: history => {
      const cancel = full(history).cancels.find(each => full(history).bodies.some(span => span.task === each.id));
      const span = cancel && full(history).bodies.findLast(each => each.task === cancel.id);
      if (!span) return undefined;
      span.last = cancel.answeredAt + 60_001;
      return cancel.id;
    },
  },
  {
    name: 'a cancel that the record does not know of',
    rule: 'cancel-ignored',
    plant: history => {
      const [cancel] = full(history).cancels;
      delete history.tasks.find(each => each.id === cancel?.id)?.cancel;
      return cancel?.id;
    },
  },
  {
    name: 'a damaged record',
    rule: 'damaged',
    plant: ({ tasks: [task] }) => {
      delete (task as Partial<Task>).exclusive;
      return task?.id;
    },
  },
];

export function corruptions(): readonly Corruption[] {
  return CORRUPTIONS;
}

export function names(finding: Finding, rule: Rule, id: string): boolean {
  return finding.rule === rule && finding.tasks.includes(id) && finding.evidence.includes(id);
}

function ended(history: History, fits: (task: Task) => boolean): Task | undefined {
  return history.tasks.find(task => isFinal(task.state) && fits(task));
}

function withTwo(
  history: History,
  plant: (a: Attempt, b: Attempt) => unknown,
  fits: (attempt: Attempt) => boolean = () => true,
): string | undefined {
  const [a, b] = history.tasks.filter(({ attempts: [first] }) => first && fits(first));
  if (!a || !b) return undefined;
  plant(a.attempts[0]!, b.attempts[0]!);
  return b.id;
}

function withTwoGrants(
  history: History,
  plant: (a: NonNullable<Attempt['grant']>, b: NonNullable<Attempt['grant']>) => unknown,
): string | undefined {
  const [a, b] = history.tasks.filter(task => task.attempts.length === 1 && task.attempts[0]!.grant);
  if (!a || !b) return undefined;
  plant(a.attempts[0]!.grant!, b.attempts[0]!.grant!);
  return b.id;
}
