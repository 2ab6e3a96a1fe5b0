import type { Join } from '../core/join.js';
import type { Json, JsonObject } from '../core/json.js';
import type { SubmitOptions } from '../core/submit-body.js';

/** Options of one member of a workflow. */
export interface StepOptions extends Omit<SubmitOptions, 'group'> {
  args?: readonly Json[];
  /** Its name in the workflow, by which those that come after it know it; t1, t2, … unless given. */
  as?: string;
  /** When it starts, if it comes after several: all-success unless given. */
  join?: Join;
}

/** One task to be. */
export interface Step {
  readonly kind: 'step';
  readonly name: string;
  readonly kwargs: unknown;
  readonly options: StepOptions;
}

/** Tasks to be, and which of them come after which. */
export type Flow = Step | { readonly kind: 'chain' | 'group'; readonly flows: readonly Flow[] };

interface Named {
  readonly kind: 'interlock.task';
  readonly name: string;
}

/** A member of a workflow, by definition and typed input, or by name. */
export function step<Input>(
  definition: Named & { readonly types?: { readonly input: Input } },
  input: NoInfer<Input>,
  options?: StepOptions,
): Step;
export function step(name: string, input?: JsonObject, options?: StepOptions): Step;
export function step(what: string | { name: string }, kwargs?: unknown, options: StepOptions = {}): Step {
  return { kind: 'step', name: typeof what === 'string' ? what : what.name, kwargs, options };
}

/** One after the other: each waits for the end of everything in the one before. */
export function chain(...flows: readonly Flow[]): Flow {
  return { kind: 'chain', flows };
}

/** All at once. */
export function group(...flows: readonly Flow[]): Flow {
  return { kind: 'group', flows };
}

/** All of these at once, and then `body`, which finds what they returned in `ctx.dependencies()`. */
export function chord(header: readonly Flow[], body: Flow): Flow {
  return chain(group(...header), body);
}

/** What `POST /workflows` takes. Throws TypeError for a name that is given twice, and for a flow without a step. */
export function workflowBody(flow: Flow, submitBody: (step: Step) => JsonObject): { tasks: Record<string, JsonObject> } {
  const tasks: Record<string, JsonObject> = {};
  const used = new Set<string>();
  const nameOf = ({ options }: Step): string => {
    const name = options.as ?? freeName(used);
    if (used.has(name)) throw new TypeError(`Two steps of the workflow are called "${name}".`);
    used.add(name);
    return name;
  };
  place(flow, [], (each, after) => {
    const name = nameOf(each);
    const { join } = each.options;
    tasks[name] = { ...submitBody(each), ...(after.length > 0 && { after: [...after] }), ...(join !== undefined && { join }) };
    return name;
  });
  if (Object.keys(tasks).length === 0) throw new TypeError('The workflow has no step.');
  return { tasks };
}

/** Puts a flow behind these names; answers with the names that whatever comes next is behind. */
function place(flow: Flow, after: readonly string[], add: (step: Step, after: readonly string[]) => string): readonly string[] {
  if (flow.kind === 'step') return [add(flow, after)];
  if (flow.kind === 'group') {
    const ends = flow.flows.flatMap(each => place(each, after, add));
    return ends.length > 0 ? ends : after;
  }
  return flow.flows.reduce((before, each) => place(each, before, add), after);
}

function freeName(used: ReadonlySet<string>): string {
  let n = used.size + 1;
  while (used.has(`t${n}`)) n += 1;
  return `t${n}`;
}
