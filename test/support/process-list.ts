import { readdirSync, readFileSync } from 'node:fs';

import { statOf } from '../../src/process/identity.js';

export interface SeenProcess {
  pid: number;
  parent: number;
  commandLine: string;
  /** By name. */
  environment: Map<string, string>;
}

/** Short enough for a command that ends within half a second. */
const EVERY_MS = 100;

/** What `ps` would show, to whoever looks again and again: of all processes whose environment has this entry. */
export class ProcessList {
  readonly seen: SeenProcess[] = [];
  readonly #known = new Set<string>();
  readonly #entry: string;
  readonly #timer: NodeJS.Timeout;

  constructor(entry: string) {
    this.#entry = `${entry}\0`;
    this.#timer = setInterval(() => this.#look(), EVERY_MS);
  }

  stop(): void {
    clearInterval(this.#timer);
  }

  #look(): void {
    for (const pid of readdirSync('/proc').map(Number).filter(Number.isInteger)) {
      const commandLine = commandLineOf(pid);
      const environment = textOf(`/proc/${pid}/environ`);
      const parent = statOf(pid)?.parent;
      const key = `${pid} ${commandLine}`;
      // Until a process runs its own program it is a copy of its parent: what was read belongs together only if nothing changed meanwhile.
      if (
        parent === undefined ||
        commandLine !== commandLineOf(pid) ||
        !environment.includes(this.#entry) ||
        this.#known.has(key)
      )
        continue;
      this.#known.add(key);
      const entries = environment.split('\0').filter(Boolean);
      const named = entries.map(each => [each.split('=', 1)[0]!, each.slice(each.indexOf('=') + 1)] as const);
      this.seen.push({ pid, parent, commandLine, environment: new Map(named) });
    }
  }
}

function commandLineOf(pid: number): string {
  return textOf(`/proc/${pid}/cmdline`).replaceAll('\0', ' ').trim();
}

/** Empty where it has ended, or belongs to somebody else. */
function textOf(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch {
    return '';
  }
}
