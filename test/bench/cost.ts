/** By what was done (`find tasks`, `publish`): how often, and the sum of the times until the answer in milliseconds. */
export type Calls = Record<string, { count: number; ms: number }>;

/** What the measured parts of one or more runs used, all processes of a role together. */
export interface Usage {
  seconds: number;
  /** By role. */
  calls: Record<string, Calls>;
  /** CPU seconds by process: a role, its children, a server, the bench itself. */
  cpu: Record<string, number>;
}

export const NOTHING: Usage = { seconds: 0, calls: {}, cpu: {} };

export interface CallCost {
  call: string;
  perTask: number;
  meanMs: number;
  /** Done by the clock whether there are tasks or not: counted apart. */
  upkeep: boolean;
}

/** What a task costs in calls: a MongoDB command is one round trip, a message one frame (a publish is confirmed by another). */
export interface Cost {
  commandsPerTask: number;
  /** Published, delivered and acknowledged. */
  messagesPerTask: number;
  upkeepCommandsPerSecond: number;
  roles: { role: string; calls: CallCost[] }[];
}

const MESSAGES = new Set(['publish', 'deliver', 'ack', 'nack', 'reject']);
/** Presence, leases and settings; and whatever a beat does. */
const UPKEEP = /^\S+ (processes|leases|meta|schedules|system\.\S+|\$cmd\S*)$|^listIndexes|^listCollections/;

export function costOf(usage: Usage, tasks: number): Cost {
  const roles = Object.entries(usage.calls)
    .map(([role, calls]) => ({ role, calls: costsOf(role, calls, tasks) }))
    .filter(({ calls }) => calls.length > 0);
  const all = roles.flatMap(({ calls }) => calls);
  const perTask = (chosen: (cost: CallCost) => boolean): number =>
    all.filter(chosen).reduce((sum, { perTask }) => sum + perTask, 0);
  const isMessage = ({ call }: CallCost): boolean => MESSAGES.has(call);
  return {
    commandsPerTask: perTask(cost => !isMessage(cost) && !cost.upkeep),
    messagesPerTask: perTask(cost => isMessage(cost) && !cost.upkeep),
    upkeepCommandsPerSecond: (perTask(cost => !isMessage(cost) && cost.upkeep) * tasks) / usage.seconds,
    roles,
  };
}

function costsOf(role: string, calls: Calls, tasks: number): CallCost[] {
  return Object.entries(calls)
    .filter(([, { count }]) => count > 0)
    .map(([call, { count, ms }]) => ({
      call,
      perTask: count / tasks,
      meanMs: ms / count,
      upkeep: role === 'beat' || UPKEEP.test(call),
    }))
    .sort((a, b) => b.perTask - a.perTask);
}

/** What was used from one reading to the next; who was not there at the first began with nothing, who has gone since is left out. */
export function usedBetween(before: Usage, after: Usage): Usage {
  const known = <T>(of: Record<string, T>, names: object): Record<string, T> =>
    Object.fromEntries(Object.entries(of).filter(([name]) => name in names));
  const still = { ...before, calls: known(before.calls, after.calls), cpu: known(before.cpu, after.cpu) };
  return combine(after, still, (a, b) => Math.max(0, a - b));
}

export function added(one: Usage, other: Usage): Usage {
  return combine(one, other, (a, b) => a + b);
}

export function addedCalls(one: Calls, other: Calls): Calls {
  return combineCalls(one, other, (a, b) => a + b);
}

type Operation = (a: number, b: number) => number;

function combine(one: Usage, other: Usage, operation: Operation): Usage {
  return {
    seconds: operation(one.seconds, other.seconds),
    calls: combineEach(one.calls, other.calls, (a = {}, b = {}) => combineCalls(a, b, operation)),
    cpu: combineEach(one.cpu, other.cpu, (a = 0, b = 0) => operation(a, b)),
  };
}

function combineCalls(one: Calls, other: Calls, operation: Operation): Calls {
  const none = { count: 0, ms: 0 };
  return combineEach(one, other, (a = none, b = none) => ({
    count: operation(a.count, b.count),
    ms: operation(a.ms, b.ms),
  }));
}

function combineEach<T>(
  one: Record<string, T>,
  other: Record<string, T>,
  operation: (a: T | undefined, b: T | undefined) => T,
): Record<string, T> {
  const names = [...new Set([...Object.keys(one), ...Object.keys(other)])];
  return Object.fromEntries(names.map(name => [name, operation(one[name], other[name])]));
}
