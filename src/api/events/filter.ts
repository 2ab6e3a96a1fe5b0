import type { CutField, TaskEvent } from '../../core/event.js';
import type { TaskFilter } from '../../store/store.js';

/** The filters of the task list that an event can answer. */
export type EventFilter = Pick<TaskFilter, 'state' | 'name' | 'queue' | 'tag' | 'group' | 'parent' | 'correlationId' | 'worker'>;

/** Different filters mean and, several values or. What was cut out of an event to make it fit may have matched, and so it does. */
export function matches(event: TaskEvent, filter: EventFilter): boolean {
  const { state, name, queue, tag, group, parent, correlationId, worker } = filter;
  const is = (wanted: readonly string[] | undefined, value: string | undefined, field?: CutField): boolean =>
    wanted === undefined || (value !== undefined && wanted.includes(value)) || isCut(event, field);
  return (
    is(state, event.state) &&
    is(name, event.name, 'name') &&
    is(queue, event.queue) &&
    (tag === undefined || event.tags.some(each => tag.includes(each)) || isCut(event, 'tags')) &&
    is(group, event.group, 'group') &&
    is(parent, event.parent, 'parent') &&
    is(correlationId, event.correlationId, 'correlationId') &&
    is(worker, event.worker)
  );
}

function isCut({ cut }: TaskEvent, field: CutField | undefined): boolean {
  return field !== undefined && cut?.includes(field) === true;
}
