import { parseArgs } from 'node:util';

export const SCENARIOS = [
  'seed',
  'plain',
  'enqueue',
  'grants',
  'backlog',
  'latency',
  'memory',
  'schedules',
  'purge',
  'overload',
  'peers',
] as const;
export type ScenarioName = (typeof SCENARIOS)[number];
/** What Interlock is measured beside. */
export const PEERS = ['celery', 'bullmq', 'agenda', 'graphile'] as const;
export type PeerName = (typeof PEERS)[number];
export type Pool = 'prefork' | 'async';

export const USAGE = `Usage: npm run bench -- ${SCENARIOS.join('|')}|all [OPTION...]
  --json         one line of JSON, the last on standard output
  --write        writes what was measured into docs/benchmarks.md; \`all\` does so unless --no-write is given
  --resume       all: goes on behind the last scenario that ended, on the same commit and with the same options
  --runs N       how often each figure is measured; 3 unless given
  --profile      profiles the CPU of every role as well: where the time goes
  --tasks N      how many tasks a run takes (seed 256, plain 20000, enqueue 20000, grants 5000, backlog 1000,
                 latency 200, schedules 200, purge 1000000, peers 5000 and of slow ones fewer)
  --workers LIST seed: slots of the worker; 1,2,4,8,16,32,64 unless given
  --seed N       seed: which resources are drawn; 1 unless given
  --pool POOL    seed, plain, latency, memory, overload: prefork or async; plain measures both unless given, the others prefork
  --slots N      plain, overload, peers: tasks at a time; plain 4 (prefork) or 64 (async), overload 4, peers 8 unless given
  --seconds N    overload: how long there is too much; 600 unless given. Memory is judged from 300 on
  --warm-up N    plain: tasks before those that are measured; 2000 unless given
  --sizes LIST   backlog: tasks in line, 1000,10000,100000 unless given; memory: tasks in line, and the two tasks between which growth
                 counts, 100000,50000,200000 unless given; schedules: how many there are, 100,10000 unless given
  --only LIST    peers: only these of ${PEERS.join(',')} beside Interlock`;

export interface Options {
  scenario: ScenarioName | 'all';
  json: boolean;
  write: boolean;
  runs: number;
  profile: boolean;
  resume: boolean;
  tasks: number | undefined;
  workers: number[];
  seed: number;
  pool: Pool | undefined;
  slots: number | undefined;
  warmUp: number;
  seconds: number;
  sizes: number[] | undefined;
  only: readonly PeerName[];
}

/** Which scenario takes which of the options that not all take. */
const TAKEN: Record<string, readonly ScenarioName[]> = {
  tasks: ['seed', 'plain', 'enqueue', 'grants', 'backlog', 'latency', 'schedules', 'purge', 'peers'],
  workers: ['seed'],
  seed: ['seed'],
  pool: ['seed', 'plain', 'latency', 'memory', 'overload'],
  slots: ['plain', 'overload', 'peers'],
  'warm-up': ['plain'],
  seconds: ['overload'],
  sizes: ['backlog', 'memory', 'schedules'],
  only: ['peers'],
};

/** Throws Error with a sentence for the user. */
export function readOptions(args: readonly string[]): Options {
  const flag = { type: 'boolean' } as const;
  const value = { type: 'string' } as const;
  const taken = Object.fromEntries(Object.keys(TAKEN).map(name => [name, value]));
  const { values, positionals } = parseArgs({
    args: [...args],
    allowPositionals: true,
    allowNegative: true,
    options: { json: flag, write: flag, profile: flag, resume: flag, runs: value, ...taken },
  });
  const given = values as Record<string, string | undefined>;
  const scenario = scenarioOf(positionals);
  for (const [name, scenarios] of Object.entries(TAKEN)) {
    if (given[name] === undefined || scenario === 'all' || scenarios.includes(scenario)) continue;
    throw new Error(`--${name} means nothing to ${scenario}: it is for ${scenarios.join(', ')}`);
  }
  if (values.resume === true && scenario !== 'all') throw new Error(`--resume means nothing to ${scenario}: it is for all`);
  return {
    scenario,
    json: values.json === true,
    write: values.write ?? scenario === 'all',
    profile: values.profile === true,
    resume: values.resume === true,
    runs: whole('runs', given.runs, [1, 100]) ?? 3,
    tasks: whole('tasks', given.tasks, [1, 10_000_000]),
    workers: list('workers', given.workers, [1, 512]) ?? [1, 2, 4, 8, 16, 32, 64],
    seed: whole('seed', given.seed, [0, 2 ** 32 - 1]) ?? 1,
    pool: poolOf(given.pool),
    slots: whole('slots', given.slots, [1, 512]),
    warmUp: whole('warm-up', given['warm-up'], [1, 10_000_000]) ?? 2_000,
    seconds: whole('seconds', given.seconds, [5, 86_400]) ?? 600,
    sizes: list('sizes', given.sizes, [1, 10_000_000]),
    only: peersOf(given.only),
  };
}

function scenarioOf([name, ...more]: readonly string[]): ScenarioName | 'all' {
  const known = [...SCENARIOS, 'all'] as const;
  const found = known.find(each => each === name);
  if (found === undefined) throw new Error(name === undefined ? 'which scenario?' : `there is no scenario "${name}"`);
  if (more.length > 0) throw new Error(`one scenario at a time: "${more.join(' ')}" is too much`);
  return found;
}

function poolOf(given: string | undefined): Pool | undefined {
  if (given !== undefined && given !== 'prefork' && given !== 'async')
    throw new Error(`--pool must be prefork or async, not "${given}"`);
  return given;
}

function peersOf(given: string | undefined): readonly PeerName[] {
  return given?.split(',').map(peerOf) ?? PEERS;
}

function peerOf(name: string): PeerName {
  const found = PEERS.find(each => each === name);
  if (found === undefined) throw new Error(`--only must be made of ${PEERS.join(', ')}, not "${name}"`);
  return found;
}

function list(name: string, given: string | undefined, range: [number, number]): number[] | undefined {
  return given?.split(',').map(each => wholeIn(name, each, range));
}

function whole(name: string, given: string | undefined, range: [number, number]): number | undefined {
  return given === undefined ? undefined : wholeIn(name, given, range);
}

function wholeIn(name: string, given: string, [least, most]: [number, number]): number {
  const number = /^\d+$/.test(given) ? Number(given) : NaN;
  if (!(number >= least && number <= most)) {
    throw new Error(`--${name} must be made of whole numbers from ${least} to ${most}, not "${given}"`);
  }
  return number;
}
