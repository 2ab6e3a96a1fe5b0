/** The life of a task as data. `docs/architecture.md` draws it; a test walks all pairs. */
export const STATES = ['waiting', 'running', 'canceling', 'completed', 'failed', 'canceled', 'skipped'] as const;
export type State = (typeof STATES)[number];

export const FINAL_STATES = ['completed', 'failed', 'canceled', 'skipped'] as const satisfies readonly State[];
export type FinalState = (typeof FINAL_STATES)[number];

export const WAITING_FOR = ['delay', 'resources', 'worker', 'retry', 'dependencies', 'limit'] as const;
export type WaitingFor = (typeof WAITING_FOR)[number];

/**
 * Legal moves. `running → waiting` is a retry, or a lost worker whose task may run again;
 * `canceling → completed | failed` is a body that ended before the cancel reached it; `waiting → failed` is one that could never have started.
 */
export const MOVES: Readonly<Record<State, readonly State[]>> = {
  waiting: ['running', 'canceled', 'skipped', 'failed'],
  running: ['completed', 'failed', 'canceled', 'canceling', 'waiting', 'skipped'],
  canceling: ['canceled', 'completed', 'failed'],
  completed: [],
  failed: [],
  canceled: [],
  skipped: [],
};

export function isFinal(state: State): state is FinalState {
  return MOVES[state].length === 0;
}

export function mayMove(from: State, to: State): boolean {
  return MOVES[from].includes(to);
}
