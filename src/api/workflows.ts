import { Type } from 'typebox';

import { InterlockError, MissingResource, StoreError } from '../core/errors.js';
import type { SubmitBody } from '../core/submit-body.js';
import type { NewTask, Task } from '../core/task.js';
import { hrefOf as hrefOfTask } from '../core/task-view.js';
import type { Acceptor } from '../dispatch/accept.js';
import { checkGraph, linked, type NodeWish } from '../dispatch/workflow.js';
import { WORKFLOW_BODY } from '../dispatch/workflow-schema.js';
import type { TaskGroup } from '../store/store.js';
import type { ApiContext, ApiServer } from './context.js';
import { GroupSchema, hrefOf, viewOf } from './groups.js';
import { KeyHeader } from './http/idempotency.js';
import { ref } from './schemas.js';
import { preparedAll } from './tasks/prepared.js';
import { SUBMITTING } from './tasks/submit.js';

interface WorkflowBody {
  name?: string;
  tasks: Record<string, SubmitBody & NodeWish>;
}

const WORKFLOW_BYTES = 16 * 1_048_576;

export const WorkflowSchema = Type.Unsafe<WorkflowBody>(WORKFLOW_BODY);
const Member = Type.Object({ id: Type.String(), href: Type.String() }, { additionalProperties: false });
const Answer = Type.Object(
  { group: ref(GroupSchema), members: Type.Record(Type.String(), Member) },
  { additionalProperties: false },
);

export function workflowRoute(app: ApiServer, context: ApiContext): void {
  const schema = {
    operationId: 'submitWorkflow',
    summary: 'Submit tasks that come after one another, all or none',
    tags: ['groups'],
    headers: Type.Object(KeyHeader),
    body: ref(WorkflowSchema),
    response: { 202: Answer },
  };
  app.post('/workflows', { schema, bodyLimit: WORKFLOW_BYTES, config: { problems: SUBMITTING } }, async (request, reply) => {
    const { name, tasks } = request.body;
    const nodes = new Map(Object.entries(tasks));
    checkGraph(nodes);
    const wishes = [...nodes].map(([node, body], index) => ({
      ...{ body: withoutLinks(body), pointer: `/tasks/${node}` },
      keyedBody: index === 0 ? request.body : [index, body],
    }));
    const prepared = await preparedAll(context, request, wishes);
    const members = new Map(
      [...nodes.keys()].flatMap((node, index) => {
        const task = prepared[index];
        return task ? [[node, task] as const] : [];
      }),
    );
    await context.acceptance.require(); // before there is a group for it
    const id = context.runtime.random.id();
    const created = await context.store.groups.create({ id, name: name ?? id, kind: 'workflow', correlationId: request.id });
    const { tasks: stored, replayed } = await acceptedAll(context, linked(members, nodes, id), id);
    const group = replayed ? await firstOf(context, stored, id) : created;
    if (replayed) reply.header('idempotency-replayed', 'true');
    reply.code(202).header('location', hrefOf(group.id));
    return {
      group: await viewOf(context, group),
      members: Object.fromEntries(stored.map(task => [task.node ?? '', { id: task.id, href: hrefOfTask(task.id) }])),
    };
  });
}

/** A group whose tasks were refused does not stay behind; where it is not known whether they are stored, it does. */
async function acceptedAll({ acceptor, store }: ApiContext, tasks: NewTask[], group: string): ReturnType<Acceptor['acceptAll']> {
  try {
    return await acceptor.acceptAll(tasks);
  } catch (error) {
    if (!(error instanceof InterlockError)) throw error;
    const unclear = error instanceof StoreError && error.outcome === 'unknown';
    if (!unclear) await store.groups.remove(group);
    throw named(error, tasks);
  }
}

/** Members have names; the acceptor knows their places. */
function named(error: InterlockError, tasks: readonly NewTask[]): InterlockError {
  for (const each of error.errors)
    each.pointer = each.pointer.replace(/^\/tasks\/(\d+)/, (_, index: string) => `/tasks/${tasks[Number(index)]?.node ?? index}`);
  return error;
}

/** The same request came before, and made a group then: the one that was made for it now has no members. */
async function firstOf({ store }: ApiContext, [first]: readonly Task[], made: string): Promise<TaskGroup> {
  await store.groups.remove(made);
  const id = first?.group ?? made;
  const group = await store.groups.get(id);
  if (!group) throw new MissingResource(`Group ${id}`);
  return group;
}

function withoutLinks(body: SubmitBody & NodeWish): SubmitBody {
  const submit = { ...body };
  delete submit.after;
  delete submit.join;
  return submit;
}
