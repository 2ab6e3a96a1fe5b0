import { Type, type Static } from 'typebox';

import { countedName, limitKeyOf, MAX_UNITS } from '../core/canonical-resources.js';
import { MissingResource } from '../core/errors.js';
import { claimsOf, type Claim, type Mode } from '../core/reservation.js';
import { overlap } from '../core/subtree.js';
import { API_BASE } from '../core/task-view.js';
import type { LineTask } from '../store/store.js';
import type { ApiContext, ApiServer } from './context.js';
import { NameParams, Time, nothing, orNull } from './schemas.js';
import { MAX_LINE } from '../dispatch/lines.js';

const inLine = {
  task: Type.String(),
  name: Type.String({ description: 'The task type.' }),
  resource: Type.String({
    description: 'What it reserves: this name or, by a pattern, one that has something in common with it.',
  }),
  mode: Type.Unsafe<Mode>({ type: 'string', enum: ['exclusive', 'shared', 'counted'] }),
  units: orNull(Type.Integer({ description: 'Of a counted one.' })),
  since: Time,
  ageSeconds: Type.Number(),
};
const ResourceSchema = Type.Object({
  name: Type.String(),
  href: Type.String(),
  capacity: orNull(Type.Integer({ description: 'Units that tasks may count together; null where nobody has declared them.' })),
  held: orNull(Type.Integer({ description: 'Units that are held; null where nobody counts them.' })),
  holders: Type.Array(
    Type.Object({
      ...inLine,
      worker: orNull(Type.String()),
      fence: Type.Integer(),
      lender: orNull(Type.String({ description: 'Under whose reservation it holds.' })),
    }),
  ),
  waiting: Type.Array(Type.Object({ ...inLine, position: Type.Integer() }), { description: 'In order; the first 10,000.' }),
});
const tags = ['resources'];

export function resourceRoutes(app: ApiServer, context: ApiContext): void {
  const showing = {
    operationId: 'getResource',
    summary: 'Who holds a resource, and who waits for it, in order',
    tags,
    params: NameParams,
    response: { 200: ResourceSchema },
  };
  app.get('/resources/:name', { schema: showing }, request => readResource(context, request.params.name.normalize('NFC')));

  const declaring = {
    operationId: 'declareCapacity',
    summary: 'Declare how many units of a resource there are, for tasks that count it',
    tags,
    params: NameParams,
    body: Type.Object({ capacity: Type.Integer({ minimum: 1, maximum: MAX_UNITS }) }, { additionalProperties: false }),
    response: { 200: ResourceSchema, 201: ResourceSchema },
  };
  app.put('/resources/:name', { schema: declaring }, async (request, reply) => {
    const name = countedName(request.params.name, ':name');
    const fresh = await context.store.capacities.declare(name, request.body.capacity);
    reply.code(fresh ? 201 : 200).header('location', hrefOf(name));
    return readResource(context, name);
  });

  const withdrawing = {
    operationId: 'withdrawCapacity',
    summary: 'Nobody may count a resource any more; who waits for it goes on waiting',
    tags,
    params: NameParams,
    response: { 204: nothing('It has no capacity any more.') },
  };
  app.delete('/resources/:name', { schema: withdrawing }, async (request, reply) => {
    const name = request.params.name.normalize('NFC');
    if (!(await context.store.capacities.withdraw(name))) throw new MissingResource(`A capacity of ${name.slice(0, 255)}`);
    return reply.code(204).send();
  });
}

async function readResource({ store, serverTime }: ApiContext, name: string): Promise<Static<typeof ResourceSchema>> {
  const [line, units, now] = await Promise.all([store.tasks.line(name, MAX_LINE), store.capacities.of([name]), serverTime.now()]);
  const entry = (task: LineTask, since: Date) => {
    const { resource, mode, units } = claimOn(task, name);
    return {
      ...{ task: task.id, name: task.name, resource, mode, units: mode === 'counted' ? units : null },
      since: since.toISOString(),
      ageSeconds: Math.max(0, (now.getTime() - since.getTime()) / 1_000),
    };
  };
  const holding = line.flatMap(task => (task.grant ? [{ task, grant: task.grant }] : []));
  const waiting = line.filter(task => !task.grant);
  const counting = line.flatMap(task => (task.counted ?? []).filter(each => each.name === name));
  const held = holding.flatMap(({ task }) => (task.counted ?? []).flatMap(each => (each.name === name ? [each.units] : [])));
  return {
    name,
    href: hrefOf(name),
    capacity: units.get(name) ?? limitOf(name, waiting) ?? null,
    held: units.has(name) || counting.length > 0 ? held.reduce((sum, each) => sum + each, 0) : null,
    holders: holding.map(({ task, grant }) => ({
      ...entry(task, grant.at),
      worker: task.run?.worker ?? null,
      fence: grant.fence,
      lender: task.under?.task ?? null,
    })),
    waiting: waiting.map((task, index) => ({ ...entry(task, task.createdAt), position: index + 1 })),
  };
}

/** The claim that puts a task into this line: the one of that very name, if there is one. */
function claimOn(task: LineTask, name: string): Claim {
  const claims = claimsOf(task).filter(claim => overlap(claim.resource, name));
  return claims.find(claim => claim.resource === name) ?? claims[0] ?? { resource: name, mode: 'shared', units: 1 };
}

/** How many may run at a time, as the newest of those who wait says. */
function limitOf(name: string, waiting: readonly LineTask[]): number | undefined {
  if (limitKeyOf(name) === undefined) return undefined;
  return waiting.at(-1)?.counted?.find(each => each.name === name)?.capacity;
}

function hrefOf(name: string): string {
  return `${API_BASE}/resources/${encodeURIComponent(name)}`;
}
