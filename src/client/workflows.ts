import type { JsonObject } from '../core/json.js';
import { workflowBody, type Flow, type Step } from './flow.js';
import { TaskHandle, type WaitOptions } from './task-handle.js';
import { pause, type Transport } from './transport.js';
import type { GroupView, Page } from './views.js';
import { TaskTimeout } from './errors.js';

/** Tasks that belong together. */
export interface Groups {
  list(query?: { limit?: number; before?: string }): Promise<Page<GroupView>>;
  create(group?: { name?: string }): Promise<GroupView>;
  get(id: string): Promise<GroupView>;
  /** Every member that has not ended. */
  cancel(id: string): Promise<GroupView>;
}

/** A workflow that was submitted. */
export interface Workflow {
  readonly id: string;
  /** By the names of its steps. */
  readonly members: Readonly<Record<string, TaskHandle>>;
  get(): Promise<GroupView>;
  /** Resolves when every member has ended, in whatever way. Throws TaskTimeout. */
  wait(options?: Pick<WaitOptions, 'timeout' | 'signal'>): Promise<GroupView>;
  cancel(): Promise<GroupView>;
}

/** Between two looks at a workflow whose last step is not known. */
const PAUSE_MS = 500;

export function createGroups(transport: Transport): Groups {
  const path = (id: string, rest = ''): string => `/task-groups/${encodeURIComponent(id)}${rest}`;
  return {
    list: query => transport.json('/task-groups', query && { query }),
    create: body => transport.json('/task-groups', { method: 'POST', body: { ...body } }),
    get: id => transport.json(path(id)),
    cancel: id => transport.repeatable(path(id, '/cancel'), { method: 'POST', body: {} }),
  };
}

/** Submits a flow: all of its tasks, or none. */
export async function submitFlow(
  transport: Transport,
  flow: Flow,
  { name, submitBody }: { name?: string | undefined; submitBody: (step: Step) => JsonObject },
): Promise<Workflow> {
  return submitWorkflow(transport, { ...workflowBody(flow, submitBody), ...(name !== undefined && { name }) });
}

/** Submits a complete body: all of its tasks, or none. */
export async function submitWorkflow(transport: Transport, body: object): Promise<Workflow> {
  const headers = { 'idempotency-key': crypto.randomUUID() };
  const answer = await transport.repeatable<{ group: GroupView; members: Record<string, { id: string }> }>('/workflows', {
    ...{ method: 'POST', body, headers },
  });
  return workflow(transport, answer.group.id, answer.members);
}

function workflow(transport: Transport, id: string, ids: Record<string, { id: string }>): Workflow {
  const groups = createGroups(transport);
  const members = Object.fromEntries(Object.entries(ids).map(([node, each]) => [node, new TaskHandle(transport, each.id)]));
  return {
    id,
    members,
    get: () => groups.get(id),
    cancel: () => groups.cancel(id),
    async wait({ timeout = Infinity, signal } = {}) {
      const end = performance.now() + timeout * 1_000;
      for (;;) {
        signal?.throwIfAborted();
        const group = await groups.get(id);
        if (group.done === group.total) return group;
        if (performance.now() >= end) throw new TaskTimeout(id, timeout);
        await pause(Math.min(PAUSE_MS, end - performance.now()), signal);
      }
    },
  };
}
