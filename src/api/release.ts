import { Type } from 'typebox';

import { InterlockError, MissingResource } from '../core/errors.js';
import { MAX_LINE } from '../dispatch/lines.js';
import type { ApiContext, ApiServer } from './context.js';
import { NameParams } from './schemas.js';

const Released = Type.Object(
  {
    name: Type.String(),
    canceled: Type.Array(Type.String(), { description: 'Ids of the tasks that hold it, or held it a moment ago.' }),
  },
  { additionalProperties: false },
);

/**
 * Nothing holds a resource but a task that has not ended, so that it is released by ending that task: no two tasks can be made to hold the same by mistake.
 */
export function releaseRoute(app: ApiServer, context: ApiContext): void {
  const schema = {
    operationId: 'releaseResource',
    summary: 'Cancel every task that holds a resource, so that the next in line gets it',
    tags: ['resources'],
    params: NameParams,
    body: Type.Object({}, { additionalProperties: false }),
    response: { 202: Released },
  };
  app.post(
    '/resources/:name/release',
    { schema, config: { bodyOptional: true, problems: ['CONFLICT'] } },
    async (request, reply) => {
      const name = request.params.name.normalize('NFC');
      const holders = await holdersOf(context, name);
      if (request.trail) request.trail.detail = `tasks=${holders.join(',')}`;
      const canceled: string[] = [];
      for (const id of holders) if (await isCanceled(context, id, request.principal)) canceled.push(id);
      context.log.info(`The resource "${name}" is released: ${canceled.length} tasks are canceled.`, {
        tasks: canceled.slice(0, 20),
        requestId: request.id,
      });
      return reply.code(202).send({ name, canceled });
    },
  );
}

/** Throws MISSING_RESOURCE where nobody knows it, CONFLICT where nobody holds it. */
async function holdersOf({ store }: ApiContext, name: string): Promise<string[]> {
  const [line, units] = await Promise.all([store.tasks.line(name, MAX_LINE), store.capacities.of([name])]);
  const holders = line.filter(task => task.grant).map(({ id }) => id);
  if (holders.length > 0) return holders;
  const shown = name.slice(0, 255);
  if (line.length === 0 && !units.has(name)) throw new MissingResource(`A resource "${shown}" that anybody holds or waits for`);
  const why =
    line.length === 0 ? '' : ` ${line.length} tasks wait for it: \`interlock task explain ${line[0]?.id ?? ''}\` says why.`;
  throw new InterlockError('CONFLICT', `Nobody holds the resource "${shown}".${why}`);
}

/** False: it has ended meanwhile, which releases it, too. */
async function isCanceled({ cancel }: ApiContext, id: string, by: string): Promise<boolean> {
  try {
    await cancel(id, by);
    return true;
  } catch (error) {
    if (error instanceof MissingResource || (error instanceof InterlockError && error.code === 'TASK_FINAL')) return false;
    throw error;
  }
}
