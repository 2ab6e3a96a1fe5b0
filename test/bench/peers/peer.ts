import type { Site } from './site.js';

/** What one run of a peer has to do: all of it is in line before its workers start. */
export interface Load {
  /** How many tasks its workers run at a time. */
  slots: number;
  /** No-ops in front of those that are measured. Between both stands one task for each slot that sleeps for `holdMs`. */
  warmUp: number;
  tasks: number;
  holdMs: number;
}

export interface Timing {
  /** From the first call to the last answer of a client that submits the measured tasks by the peer's own means for many at once. */
  enqueueSeconds: number;
  /** From the start of the first measured task to the moment when the last one is stored as done. */
  runSeconds: number;
}

export interface About {
  /** Of the peer, its driver and its servers. */
  versions: Record<string, string>;
  /** What makes it durable, as its servers say it, and how it was tuned. */
  settings: Record<string, string>;
}

/** A peer that is ready to be measured. */
export interface Rig extends About {
  /** Begins with an empty queue and fresh workers. Throws unless each of the measured tasks was run once and stored. */
  measure(load: Load): Promise<Timing>;
}

/** A task queue to measure the same work on. */
export interface Peer {
  name: string;
  /** What it is called by `--only`. */
  key: string;
  /** How many of the asked tasks a run of it takes, 0 to 1: a slow one would take minutes for all of them. */
  share: number;
  /** Fetches what it needs, starts its servers and reads its settings back. Throws when it cannot be had, or is not durable. */
  setUp(site: Site): Promise<Rig>;
  /** Interlock itself: when one of its runs fails, so does the bench. */
  own?: true;
}

/** Throws when a server says something else than what makes the peer durable. */
export function demand(settings: Record<string, string>, expected: Record<string, string>): void {
  const wrong = Object.entries(expected).filter(([name, value]) => settings[name] !== value);
  if (wrong.length === 0) return;
  const said = wrong.map(([name, value]) => `${name} is ${settings[name] ?? 'missing'}, not ${value}`);
  throw new Error(`not durable: ${said.join('; ')}`);
}

export function loadOf({ share }: Pick<Peer, 'share'>, asked: { tasks: number; slots: number }): Load {
  const tasks = Math.ceil(asked.tasks * share);
  return { slots: asked.slots, tasks, warmUp: Math.ceil(tasks * WARM_UP), holdMs: HOLD_MS };
}

const WARM_UP = 0.2;
/** Long enough for all slots to be busy at once. */
const HOLD_MS = 2_000;

export type PeerFigures = Record<'slots' | 'tasks' | 'tasksPerSecond' | 'enqueuedPerSecond', number>;

export function figuresOf({ enqueueSeconds, runSeconds }: Timing, { slots, tasks }: Load): PeerFigures {
  return { slots, tasks, tasksPerSecond: tasks / runSeconds, enqueuedPerSecond: tasks / enqueueSeconds };
}
