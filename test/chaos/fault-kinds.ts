/**
 * `moment`: the deed is done at once. `brief`: nobody loses anything for it (below the self-fence). `long`: everybody has given up on it
 * (above the time to live). `restart`: until something like systemd starts it again.
 */
export type Lasts = 'moment' | 'brief' | 'long' | 'either' | 'restart';

interface Card {
  kind: string;
  on: 'worker' | 'manager' | 'leading' | 'standby' | 'beat' | 'api' | 'link' | 'mongo' | 'rabbit';
  lasts: Lasts;
}

/** Every kind of fault there is. `frozen` is SIGSTOP, later SIGCONT; a tree is a supervisor with its children. */
export const DECK = [
  { kind: 'worker-killed', on: 'worker', lasts: 'restart' },
  { kind: 'worker-frozen-briefly', on: 'worker', lasts: 'brief' },
  { kind: 'worker-frozen-long', on: 'worker', lasts: 'long' },
  { kind: 'worker-restarted', on: 'worker', lasts: 'moment' },
  { kind: 'child-killed', on: 'worker', lasts: 'moment' },
  { kind: 'child-frozen', on: 'worker', lasts: 'either' },
  { kind: 'tree-frozen-briefly', on: 'worker', lasts: 'brief' },
  { kind: 'tree-frozen-long', on: 'worker', lasts: 'long' },
  { kind: 'worker-killed-children-frozen', on: 'worker', lasts: 'long' },
  { kind: 'worker-paused', on: 'worker', lasts: 'either' },
  { kind: 'worker-drained', on: 'worker', lasts: 'either' },
  { kind: 'worker-resized', on: 'worker', lasts: 'moment' },
  { kind: 'worker-shut-down', on: 'worker', lasts: 'moment' },
  { kind: 'leading-manager-killed', on: 'leading', lasts: 'restart' },
  { kind: 'leading-manager-frozen', on: 'leading', lasts: 'either' },
  { kind: 'standby-manager-killed', on: 'standby', lasts: 'restart' },
  { kind: 'standby-manager-frozen', on: 'standby', lasts: 'either' },
  { kind: 'manager-restarted', on: 'manager', lasts: 'moment' },
  { kind: 'beat-killed', on: 'beat', lasts: 'restart' },
  { kind: 'beat-frozen', on: 'beat', lasts: 'either' },
  { kind: 'beat-restarted', on: 'beat', lasts: 'moment' },
  { kind: 'api-killed', on: 'api', lasts: 'restart' },
  { kind: 'api-frozen', on: 'api', lasts: 'either' },
  { kind: 'api-restarted', on: 'api', lasts: 'moment' },
  { kind: 'link-blackholed', on: 'link', lasts: 'either' },
  { kind: 'link-blackholed', on: 'link', lasts: 'long' },
  { kind: 'link-blackholed-up', on: 'link', lasts: 'either' },
  { kind: 'link-blackholed-down', on: 'link', lasts: 'either' },
  { kind: 'link-reset', on: 'link', lasts: 'moment' },
  { kind: 'link-delayed', on: 'link', lasts: 'either' },
  { kind: 'link-sliced', on: 'link', lasts: 'brief' },
  { kind: 'link-replies-dropped', on: 'link', lasts: 'brief' },
  { kind: 'link-replies-dropped', on: 'link', lasts: 'either' },
  { kind: 'link-rejected', on: 'link', lasts: 'either' },
  { kind: 'mongo-killed', on: 'mongo', lasts: 'moment' },
  { kind: 'mongo-killed-long', on: 'mongo', lasts: 'long' },
  { kind: 'mongo-frozen-briefly', on: 'mongo', lasts: 'brief' },
  { kind: 'mongo-frozen-long', on: 'mongo', lasts: 'long' },
  { kind: 'mongo-stepped-down', on: 'mongo', lasts: 'brief' },
  { kind: 'mongo-failpoint', on: 'mongo', lasts: 'brief' },
  { kind: 'mongo-failpoint', on: 'mongo', lasts: 'either' },
  { kind: 'mongo-failpoint', on: 'mongo', lasts: 'brief' },
  { kind: 'rabbit-killed', on: 'rabbit', lasts: 'either' },
  { kind: 'rabbit-frozen', on: 'rabbit', lasts: 'either' },
  { kind: 'rabbit-wiped', on: 'rabbit', lasts: 'moment' },
  { kind: 'rabbit-alarmed', on: 'rabbit', lasts: 'either' },
  { kind: 'rabbit-connections-closed', on: 'rabbit', lasts: 'moment' },
  { kind: 'queue-deleted', on: 'rabbit', lasts: 'moment' },
  { kind: 'queue-purged', on: 'rabbit', lasts: 'moment' },
] as const satisfies readonly Card[];

export type FaultKind = (typeof DECK)[number]['kind'];
