import { Type, type Static, type TObject } from 'typebox';

import { STATES, type State } from '../../core/state.js';
import type { TaskFilter } from '../../store/store.js';
import { Time } from '../schemas.js';

/** Never none of them: what matches no value, and what matches any, are too easily confused. */
const SOME = { minItems: 1, maxItems: 100 };
const any = (description: string) => Type.Optional(Type.Array(Type.String({ maxLength: 255 }), { ...SOME, description }));

/** What chooses tasks, in queries and in bodies alike: several values of one mean or, different ones and. */
export const FILTERS = {
  state: Type.Optional(Type.Array(Type.Unsafe<State>({ type: 'string', enum: [...STATES] }), SOME)),
  name: any('Task types.'),
  queue: any('Queues.'),
  worker: any('Workers that run it, or ran it.'),
  resource: any('Reserved by it, in any mode.'),
  tag: any('Tags.'),
  group: any('Ids of groups and workflows.'),
  parent: any('Ids of the tasks that spawned it.'),
  correlationId: any('Ids of the requests that submitted it.'),
  schedule: any('Ids of schedules.'),
  createdAfter: Type.Optional(Time),
  createdBefore: Type.Optional(Time),
  finishedAfter: Type.Optional(Time),
  finishedBefore: Type.Optional(Time),
};
export type FilterQuery = Static<TObject<typeof FILTERS>>;

const TIMES = ['createdAfter', 'createdBefore', 'finishedAfter', 'finishedBefore'] as const;

/** As the store reads it; what else stands in the query is passed over. */
export function filterOf(query: FilterQuery): TaskFilter {
  const given = Object.entries(query).filter(([name, value]) => Object.hasOwn(FILTERS, name) && Array.isArray(value));
  const times = TIMES.map(name => [name, query[name]] as const).filter(([, time]) => time !== undefined);
  return {
    ...Object.fromEntries(given),
    ...Object.fromEntries(times.map(([name, time]) => [name, new Date(time ?? '')])),
    ...(query.resource && { resource: query.resource.map(name => name.normalize('NFC')) }),
  };
}
