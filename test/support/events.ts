import { eventOf, type TaskEvent } from '../../src/core/event.js';
import type { Task } from '../../src/core/task.js';

export const AT = new Date('2026-01-31T12:00:00.000Z');

/** A task whose id ends in this number, as far as an event shows of it. */
export function someTask(n: number, change: Partial<Task> = {}): Task {
  const id = `01890000-0000-7000-8000-${String(n).padStart(12, '0')}`;
  return {
    ...{ id, name: 'work', state: 'running', attempt: 1, queue: 'default', tags: ['a', 'b'], correlationId: 'request' },
    ...{ run: { worker: 'w1' }, attempts: [], progress: [], createdAt: AT },
    ...change,
  } as unknown as Task;
}

export function someEvent(n: number, change: Partial<Task> = {}, more: Partial<TaskEvent> = {}): TaskEvent {
  return { ...eventOf(someTask(n, change), AT), ...more };
}

/** One event of a stream, as a client reads it. */
export interface Received {
  id: string | undefined;
  event: string;
  data: { id?: string; state?: string; reason?: string; [field: string]: unknown } | undefined;
}

/** What a stream has said so far; of comments and openings only the id is left. */
export function receivedIn(text: string): Received[] {
  return text
    .split('\n\n')
    .slice(0, -1)
    .map(block => {
      const fields = new Map(
        block
          .split('\n')
          .filter(line => !line.startsWith(':'))
          .map(line => [line.slice(0, line.indexOf(':')), line.slice(line.indexOf(':') + 2)]),
      );
      const data = fields.get('data');
      return {
        id: fields.get('id'),
        event: fields.get('event') ?? '',
        data: data === undefined ? undefined : (JSON.parse(data) as Received['data']),
      };
    });
}

/** `1 running`, `1 progress`, `resync slow`. */
export function summaryOf({ event, data }: Received): string {
  if (event === 'resync') return `resync ${data?.reason ?? ''}`;
  return `${Number(data?.id?.slice(-12))} ${event === 'progress' ? 'progress' : (data?.state ?? '')}`;
}

export function summaries(text: string): string[] {
  return receivedIn(text)
    .filter(({ event }) => event !== '')
    .map(summaryOf);
}
