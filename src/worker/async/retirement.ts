import type { Log } from '../../process/log.js';
import type { Timers } from '../../process/runtime.js';
import type { AsyncChild } from './async-child.js';

export type Retirable = Pick<AsyncChild, 'identity' | 'alive' | 'retired' | 'cause' | 'runs' | 'isSilent' | 'gone' | 'end'>;

export interface RetirementDeps {
  supply: { children: Iterable<Retirable>; replace(child: Retirable): void };
  /** How long what else runs in a child may go on once it must end. */
  retireMs: number;
  timers: Timers;
  log: Log;
}

export type Trouble = 'overdue' | 'exception' | 'silent';

/** Each may use as much memory as the one that takes the tasks. */
const MAX_RETIRED = 3;
const TROUBLES: Record<Trouble, string> = {
  overdue: 'a task in it does not heed its cancellation',
  exception: 'a task in it threw where nobody could catch it',
  silent: 'it has not been heard of for a while',
};

/** Children that get no more tasks. One that is only used up goes on until its last task has ended; one in trouble has a limit. */
export class Retirement {
  readonly #deps: RetirementDeps;
  readonly #limits = new WeakMap<Retirable, Set<Trouble>>();

  constructor(deps: RetirementDeps) {
    this.#deps = deps;
  }

  /** Whether another may be retired that need not be. */
  get hasRoom(): boolean {
    return this.#retired.length < MAX_RETIRED;
  }

  /** Its successor is at work. */
  begin(child: Retirable): void {
    child.retired = true;
    this.look(child);
  }

  /** It gets no more tasks from now on. Where too many are retired already, there is no time for the others in it. */
  hasten(child: Retirable, trouble: Trouble): void {
    const limits = this.#limits.get(child) ?? new Set();
    if (limits.has(trouble) || !child.alive) return;
    this.#limits.set(child, limits.add(trouble));
    const { supply, retireMs, log } = this.#deps;
    child.retired = true;
    supply.replace(child);
    this.look(child);
    if (child.cause !== undefined) return;
    const about = { child: child.identity.pid, tasks: child.runs.size };
    log.warn(`A child process gets no more tasks, and is ended in ${retireMs / 1_000} s: ${TROUBLES[trouble]}.`, about);
    if (this.#retired.length > MAX_RETIRED) end(child, trouble);
    else void this.#limit(child, trouble);
  }

  /** Ends one in which there is nothing to wait for: whatever still runs in it was asked to end, and does not. */
  look(child: Retirable): void {
    if (!child.retired) return;
    for (const run of child.runs.values()) if (!run.overdue) return;
    void child.end({ kind: 'retired' });
  }

  get #retired(): Retirable[] {
    return [...this.#deps.supply.children].filter(child => child.retired);
  }

  async #limit(child: Retirable, trouble: Trouble): Promise<void> {
    const gone = new AbortController();
    void child.gone.then(() => gone.abort());
    await this.#deps.timers.sleep(this.#deps.retireMs, gone.signal);
    if (gone.signal.aborted || (trouble === 'silent' && !child.isSilent)) return;
    end(child, trouble);
  }
}

function end(child: Retirable, trouble: Trouble): void {
  void child.end({ kind: trouble === 'silent' ? 'silent' : 'retired' });
}
