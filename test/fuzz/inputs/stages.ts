import { run, type Figures, type Stage, type Wish } from './stage.js';

/** A stage by its name. Its code is loaded only where it runs: in a child process. */
export interface Named {
  name: string;
  /** Of a thousand cases. */
  share: number;
  run: (wish: Wish, beforeEach: (input: unknown) => void) => Promise<Figures>;
}

export function named<Input>(name: string, share: number, load: () => Promise<Stage<Input>>): Named {
  return { name, share, run: async (wish, beforeEach) => run(await load(), wish, beforeEach) };
}

/** Every door through which input comes. */
export const STAGES: readonly Named[] = [
  named('bodies of requests', 320, async () => (await import('./rest.js')).bodies),
  named('paths and parameters', 130, async () => (await import('./rest-queries.js')).queries),
  named('hints', 50, async () => (await import('./messages.js')).hints),
  named('control messages and events', 80, async () => (await import('./broadcasts.js')).broadcasts),
  named('frames of children', 150, async () => (await import('./frames.js')).frames),
  named('settings', 80, async () => (await import('./settings.js')).settings),
  named('profiles of the command line', 50, async () => (await import('./settings.js')).profiles),
  named('manifests of repositories', 60, async () => (await import('./files.js')).manifests),
  named('manifests of backups', 60, async () => (await import('./files.js')).backups),
  named('contents of backups', 20, async () => (await import('./backups.js')).backedUp),
];

/** Fewer say nothing. */
const LEAST = 100;

/** How many cases a stage gets of so many of all stages together. A backup takes as long as a hundred of the others. */
export function casesOf({ share }: Pick<Named, 'share'>, all: number): number {
  return Math.max(LEAST, Math.ceil((all * share) / 1_000));
}
