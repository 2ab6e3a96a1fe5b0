/** What V8 writes, as far as it is read here. */
export interface CpuProfile {
  nodes: { id: number; callFrame: { functionName: string; url: string; lineNumber: number } }[];
  samples: number[];
  /** Microseconds. */
  timeDeltas: number[];
}

export interface RoleProfile {
  role: string;
  processes: number;
  /** Main threads that worked, of the whole time of all of them, 0 to 1. `program` and `collector` are parts of it. */
  busy: number;
  program: number;
  collector: number;
  /** Where that time went, most first: share of the busy time, 0 to 1. */
  top: { where: string; share: number }[];
}

const TOP = 15;
const IDLE = '(idle)';
const PROGRAM = '(program)';
const COLLECTOR = '(garbage collector)';
/** The question that started or stopped the profile: native, and in no file. */
const INSPECTOR = 'dispatch';

/** The functions with the largest self time, all processes of a role together. */
export function profileOf(role: string, profiles: readonly CpuProfile[]): RoleProfile {
  const self = new Map<string, number>();
  for (const profile of profiles) addSelfTimes(profile, self);
  const time = (where: string): number => self.get(where) ?? 0;
  self.delete(INSPECTOR);
  const whole = [...self.values()].reduce((sum, us) => sum + us, 0);
  const busy = whole - time(IDLE);
  const top = [...self]
    .filter(([where]) => ![IDLE, PROGRAM, COLLECTOR, '(root)'].includes(where))
    .sort(([, a], [, b]) => b - a)
    .slice(0, TOP)
    .map(([where, us]) => ({ where, share: us / busy }));
  return {
    role,
    processes: profiles.length,
    busy: whole === 0 ? 0 : busy / whole,
    program: whole === 0 ? 0 : time(PROGRAM) / whole,
    collector: whole === 0 ? 0 : time(COLLECTOR) / whole,
    top,
  };
}

function addSelfTimes({ nodes, samples, timeDeltas }: CpuProfile, self: Map<string, number>): void {
  const names = new Map(nodes.map(({ id, callFrame }) => [id, whereOf(callFrame)]));
  samples.forEach((id, index) => {
    const name = names.get(id) ?? '(unknown)';
    self.set(name, (self.get(name) ?? 0) + Math.max(0, timeDeltas[index] ?? 0));
  });
}

/** `function file:line`, with the file from `dist/` or from the package on. */
function whereOf({ functionName, url, lineNumber }: CpuProfile['nodes'][number]['callFrame']): string {
  const name = functionName === '' ? '(anonymous)' : functionName;
  if (url === '') return name;
  const file = url.replace(/^.*\/node_modules\//, '').replace(/^.*\/(dist|test)\//, '$1/');
  return `${name} ${file}:${lineNumber + 1}`;
}
