import { system } from '../../process/system.js';
import { RoleEnded, type RoleProcess } from './role-process.js';
import type { RoleName, Stack } from './stack.js';

/** A role that ends by itself is started again after this long … */
const RESTART_MS = 1_000;
/** … but the third end in a row before it serves is final. */
const MAX_FAILURES = 3;
const RELOAD_PATIENCE_MS = 30_000;

/** Keeps one role of a stack alive, says so whenever it has to, and starts it anew when its code has changed. */
export class Tender {
  readonly role: RoleName;
  readonly #stack: Stack;
  readonly #say: (line: string) => void;
  #current: RoleProcess | undefined;
  #reloading = false;
  #changed = new AbortController();

  constructor(stack: Stack, role: RoleName, say: (line: string) => void) {
    this.#stack = stack;
    this.role = role;
    this.#say = say;
    this.#current = stack.role(role);
  }

  /** Resolves when `over` aborts, or with `false` when the role will not stay. */
  async run(over: AbortSignal): Promise<boolean> {
    for (;;) {
      const how = await this.#rest(over);
      if (over.aborted) return true;
      if (this.#reloading) await this.#startChanged();
      else if (!(await this.#startAgain(how, over))) return false;
    }
  }

  /** Its code has changed. */
  reload(): void {
    if (this.#reloading) return;
    this.#reloading = true;
    this.#changed.abort();
    void this.#current?.stop(RELOAD_PATIENCE_MS);
  }

  /** Until the role ends; or, while it is not running because its code is broken, until that changes. */
  async #rest(over: AbortSignal): Promise<string> {
    if (this.#current) return Promise.race([this.#current.ended, aborted(over)]);
    return Promise.race([aborted(this.#changed.signal), aborted(over)]);
  }

  async #startChanged(): Promise<void> {
    this.#reloading = false;
    this.#changed = new AbortController();
    this.#current = undefined;
    try {
      this.#current = await this.#stack.startRole(this.role);
    } catch (error) {
      if (!(error instanceof RoleEnded)) throw error;
      this.#say(`the ${this.role} does not start with this change; waiting for the next one`);
    }
  }

  async #startAgain(how: string, over: AbortSignal): Promise<boolean> {
    for (let failures = 0; failures < MAX_FAILURES; failures++) {
      this.#say(`the ${this.role} ended (${how}); starting it again`);
      await system.timers.sleep(RESTART_MS, over);
      if (over.aborted) return true;
      try {
        this.#current = await this.#stack.startRole(this.role);
        return true;
      } catch (error) {
        if (!(error instanceof RoleEnded)) throw error;
        how = error.how;
      }
    }
    this.#say(`the ${this.role} does not stay; giving up`);
    return false;
  }
}

/** Keeps all of them until `over` aborts; resolves with `false`, and aborts it, when one will not stay. */
export async function tendAll(tenders: readonly Tender[], over: AbortController): Promise<boolean> {
  const stayed = await Promise.all(
    tenders.map(async tender => {
      const stays = await tender.run(over.signal);
      if (!stays) over.abort();
      return stays;
    }),
  );
  return !stayed.includes(false);
}

function aborted(signal: AbortSignal): Promise<string> {
  return new Promise(resolve => {
    if (signal.aborted) resolve('');
    else signal.addEventListener('abort', () => resolve(''), { once: true });
  });
}
