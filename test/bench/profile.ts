/** What V8 writes, as far as it is read here. */
export interface CpuProfile {
  nodes: { id: number; callFrame: { functionName: string; url: string; lineNumber: number } }[];
  samples: number[];
  /** Microseconds. */
  timeDeltas: number[];
}

export interface RoleProfile {
  role: string;
  /** How many profiles this is of: one for each process and measured part. */
  profiles: number;
  /** Main threads that worked, of the whole time of all of them, 0 to 1. `program` and `collector` are parts of it. */
  busy: number;
  program: number;
  collector: number;
  /** Where that time went, most first: share of the busy time, 0 to 1. */
  top: { where: string; share: number }[];
  /** The same by package, or by folder of `dist/`. */
  areas: { where: string; share: number }[];
}

const TOP = 12;
const AREAS = 8;
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
  const functions = [...self].filter(([where]) => ![IDLE, PROGRAM, COLLECTOR, '(root)'].includes(where));
  return {
    role,
    profiles: profiles.length,
    busy: whole === 0 ? 0 : busy / whole,
    program: whole === 0 ? 0 : time(PROGRAM) / whole,
    collector: whole === 0 ? 0 : time(COLLECTOR) / whole,
    top: largest(functions, busy, TOP),
    areas: largest(
      functions.map(([where, us]) => [areaOf(where), us]),
      busy,
      AREAS,
    ),
  };
}

function largest(times: readonly [string, number][], busy: number, count: number): { where: string; share: number }[] {
  const sums = new Map<string, number>();
  for (const [where, us] of times) sums.set(where, (sums.get(where) ?? 0) + us);
  const sorted = [...sums].sort(([, a], [, b]) => b - a).slice(0, count);
  return sorted.map(([where, us]) => ({ where, share: us / busy }));
}

/** `dist/worker`, `mongodb`, `node` (its own JavaScript), `native` (what V8 names without a file). */
function areaOf(where: string): string {
  const file = / (\S+):\d+$/.exec(where)?.[1];
  if (file === undefined) return 'native';
  if (file.startsWith('node:')) return 'node';
  const [first = '', second = ''] = file.split('/');
  return first === 'dist' || first.startsWith('@') ? `${first}/${second}` : first;
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
