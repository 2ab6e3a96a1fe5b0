import { readFileSync } from 'node:fs';
import { join } from 'node:path';

import { Canaries } from '../support/canaries.js';
import { names } from './cast.js';

const ROLES = ['api', 'resource-manager', 'worker', 'beat'] as const;
/** Answers that show what a deployment is, when all is over; `tasks` are read all the while. */
const READ = ['api/v1/status', 'api/v1/workers', 'api/v1/queues', 'api/v1/resources', 'api/v1/audit', 'metrics'];
const ANSWER_MS = 10_000;

/** Passwords of connections and an argument of every task, looked for in what is answered, told and logged while all kinds of faults are at work. */
export class Leaks {
  readonly canaries = new Canaries();
  readonly argument = this.canaries.plant('argument');
  readonly mongoPassword = this.canaries.plant('mongoPassword');
  /** Where one of them was seen, and how often. */
  readonly seen = new Map<string, number>();
  /** Texts that were searched. */
  looked = 0;

  /** `shown`: it may hold the argument, as a task is shown with its own. */
  look(where: string, text: string, shown = false): void {
    this.looked += 1;
    for (const kind of this.canaries.kindsIn(text)) {
      if (shown && kind === 'argument') continue;
      const what = `${kind} in ${where}`;
      this.seen.set(what, (this.seen.get(what) ?? 0) + 1);
    }
  }

  async askAll(apis: readonly string[]): Promise<void> {
    for (const api of apis) {
      for (const path of READ) {
        const answer = await fetch(`${api}/${path}`, { signal: AbortSignal.timeout(ANSWER_MS) }).catch(() => undefined);
        if (answer) this.look(`the answer to ${path}`, await answer.text()); // one that is not back is complained of elsewhere
      }
    }
  }

  readLogs(folder: string): void {
    for (const name of ROLES.flatMap(names)) this.look(`the log of ${name}`, readFileSync(join(folder, `${name}.log`), 'utf8'));
  }
}

/** Why a run is not ok; one that searched nothing has shown nothing. */
export function leaked({ seen, looked }: Pick<Leaks, 'seen' | 'looked'>): string[] {
  const reasons = [...seen].map(([what, times]) => `A secret was seen ${times} times: ${what}.`);
  return looked === 0 ? ['Nothing was searched for secrets.'] : reasons;
}
