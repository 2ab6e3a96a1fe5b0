import { cycleIn } from '../core/cycle.js';
import { invalid } from '../core/errors.js';
import type { Join } from '../core/join.js';
import type { NewTask } from '../core/task.js';
import { nearest } from '../core/nearest.js';

/** How a member of a workflow stands to the others: beside its submit body. */
export interface NodeWish {
  after?: string[];
  join?: Join;
}

/** Throws VALIDATION_FAILED for a name in `after` that nobody has, and for a cycle, which is named. */
export function checkGraph(nodes: ReadonlyMap<string, NodeWish>): void {
  for (const [name, { after = [] }] of nodes) {
    for (const [index, other] of after.entries()) {
      if (nodes.has(other)) continue;
      const meant = nearest(other, [...nodes.keys()]);
      const hint = meant === undefined ? '' : `; did you mean "${meant}"?`;
      throw invalid(`/tasks/${name}/after/${index}`, `"${other}" is no task of this workflow${hint}`, 'unknown_task');
    }
  }
  const cycle = cycleIn(new Map([...nodes].map(([name, { after = [] }]) => [name, after])));
  if (cycle)
    throw invalid(
      `/tasks/${cycle[0] ?? ''}/after`,
      `these tasks would wait for each other for ever: ${cycle.join(' after ')}`,
      'cycle',
    );
}

/** The records as members of a workflow: who comes after others waits for them, whatever else it will wait for then. */
export function linked(tasks: ReadonlyMap<string, NewTask>, nodes: ReadonlyMap<string, NodeWish>, group: string): NewTask[] {
  return [...tasks].map(([node, task]) => {
    const { after = [], join = 'all-success' } = nodes.get(node) ?? {};
    const member = { ...task, group, node };
    if (after.length === 0) return member;
    const links = after.map(name => ({ node: name, id: tasks.get(name)?.id ?? '' }));
    return { ...member, after: links, join, waitingFor: 'dependencies' };
  });
}
