import type { Command } from '../core/command.js';
import type { Stage } from '../core/wish.js';
import type { Transport } from './transport.js';
import type { Page, ProcessView } from './views.js';

/** Beyond the wait itself. */
const ANSWER_MS = 30_000;

/** Who has done what was asked. */
export interface WorkerAnswers {
  asked: number;
  answered: number;
  silent: string[];
}

/** For how many seconds to wait for the workers to do it, at most 60; without it nobody is waited for. */
export interface WaitForWorkers {
  wait?: number;
}

type Size = { slots: number } | { grow: number } | { shrink: number };
export type WorkerAction =
  | { action: Exclude<Command['action'], 'shutdown' | 'pool'> }
  | { action: 'shutdown'; stage?: Stage }
  | ({ action: 'pool' } & Size);

/** Workers under remote control. Each method throws InterlockError (MISSING_RESOURCE, CONFLICT for one that is not live), Unreachable. */
export interface Workers {
  /** All of them, with what they run. */
  (): Promise<Page<ProcessView>>;
  /** One of them: also what is bound to it, and the task types that it has. */
  get(name: string): Promise<ProcessView>;
  /** It takes no new work, also after a restart, until it is resumed. */
  pause(name: string, options?: WaitForWorkers): Promise<WorkerAnswers>;
  resume(name: string, options?: WaitForWorkers): Promise<WorkerAnswers>;
  /** Paused, and what is bound to it goes to others. */
  drain(name: string, options?: WaitForWorkers): Promise<WorkerAnswers>;
  /** `warm` unless another stage is given. */
  shutdown(name: string, options?: WaitForWorkers & { stage?: Stage }): Promise<WorkerAnswers>;
  /** Until it ends. */
  resize(name: string, size: Size, options?: WaitForWorkers): Promise<WorkerAnswers>;
  /** The same for several, or for all that are live. */
  steer(action: WorkerAction, options?: WaitForWorkers & { names?: readonly string[] }): Promise<WorkerAnswers>;
}

export function createWorkers(transport: Transport): Workers {
  const list = (): Promise<Page<ProcessView>> => transport.json('/workers');
  const path = (name: string, rest = ''): string => `/workers/${encodeURIComponent(name)}${rest}`;
  const post = (to: string, body: object, { wait }: WaitForWorkers = {}): Promise<WorkerAnswers> =>
    transport.json(to, {
      method: 'POST',
      body,
      ...(wait !== undefined && { headers: { prefer: `wait=${wait}` }, timeoutMs: wait * 1_000 + ANSWER_MS }),
    });
  return Object.assign(list, {
    get: (name: string) => transport.json<ProcessView>(path(name)),
    pause: (name: string, options?: WaitForWorkers) => post(path(name, '/pause'), {}, options),
    resume: (name: string, options?: WaitForWorkers) => post(path(name, '/resume'), {}, options),
    drain: (name: string, options?: WaitForWorkers) => post(path(name, '/drain'), {}, options),
    shutdown: (name: string, options: WaitForWorkers & { stage?: Stage } = {}) =>
      post(path(name, '/shutdown'), options.stage === undefined ? {} : { stage: options.stage }, options),
    resize: (name: string, size: Size, options?: WaitForWorkers) => post(path(name, '/pool'), size, options),
    steer: (action: WorkerAction, { names, ...options }: WaitForWorkers & { names?: readonly string[] } = {}) =>
      post('/workers/actions', { ...action, ...(names && { names: [...names] }) }, options),
  });
}
