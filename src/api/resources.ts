import { Type } from 'typebox';

import type { Mode } from '../core/reservation.js';
import { API_BASE } from '../core/task-view.js';
import type { LineTask } from '../store/store.js';
import type { ApiContext, ApiServer } from './context.js';
import { NameParams, Time, orNull } from './schemas.js';
import { MAX_LINE } from './tasks/lines.js';

const inLine = {
  task: Type.String(),
  name: Type.String({ description: 'The task type.' }),
  mode: Type.Unsafe<Mode>({ type: 'string', enum: ['exclusive', 'shared'] }),
  since: Time,
  ageSeconds: Type.Number(),
};
const ResourceSchema = Type.Object({
  name: Type.String(),
  href: Type.String(),
  holders: Type.Array(Type.Object({ ...inLine, worker: orNull(Type.String()), fence: Type.Integer() })),
  waiting: Type.Array(Type.Object({ ...inLine, position: Type.Integer() }), { description: 'In order; the first 10,000.' }),
});

export function resourceRoute(app: ApiServer, { store, serverTime }: ApiContext): void {
  const schema = {
    operationId: 'getResource',
    summary: 'Who holds a resource, and who waits for it, in order',
    tags: ['resources'],
    params: NameParams,
    response: { 200: ResourceSchema },
  };
  app.get('/resources/:name', { schema }, async request => {
    const name = request.params.name.normalize('NFC');
    const [line, now] = await Promise.all([store.tasks.line(name, MAX_LINE), serverTime.now()]);
    const entry = (task: LineTask, since: Date) => ({
      task: task.id,
      name: task.name,
      mode: task.exclusive.includes(name) ? ('exclusive' as const) : ('shared' as const),
      since: since.toISOString(),
      ageSeconds: Math.max(0, (now.getTime() - since.getTime()) / 1_000),
    });
    return {
      name,
      href: `${API_BASE}/resources/${encodeURIComponent(name)}`,
      holders: line.flatMap(task =>
        task.grant ? [{ ...entry(task, task.grant.at), worker: task.run?.worker ?? null, fence: task.grant.fence }] : [],
      ),
      waiting: line.filter(task => !task.grant).map((task, index) => ({ ...entry(task, task.createdAt), position: index + 1 })),
    };
  });
}
