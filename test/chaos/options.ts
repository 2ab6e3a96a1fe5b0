import { randomInt } from 'node:crypto';
import { parseArgs } from 'node:util';

export const USAGE = `Usage: npm run chaos -- [--seed N] [--minutes M] [--workflows N] [--json] [--plan] [--samples FILE] [--keep]
  --seed N        repeats the plan of a run; a random one otherwise
  --minutes M     of load and faults, from 0.2 to 600; 5 unless given
  --workflows N   of up to 40 members each; 10 in five minutes unless given
  --json          one line of JSON, the last on standard output
  --plan          prints what would be done, and does nothing
  --samples FILE  writes what was measured every 10 s: memory, descriptors, queues, collections
  --keep          keeps the folder of the run also when all is well`;

export interface Options {
  seed: number;
  minutes: number;
  workflows: number | undefined;
  json: boolean;
  plan: boolean;
  keep: boolean;
  samples: string | undefined;
}

/** Undefined: that is no way to call it. */
export function readOptions(args: readonly string[]): Options | undefined {
  const flag = { type: 'boolean', default: false } as const;
  try {
    const { values } = parseArgs({
      args: [...args],
      options: {
        seed: { type: 'string', default: String(randomInt(1_000_000)) },
        minutes: { type: 'string', default: '5' },
        workflows: { type: 'string' },
        samples: { type: 'string' },
        json: flag,
        plan: flag,
        keep: flag,
      },
    });
    const { json, plan, keep, samples } = values;
    const [seed, minutes] = [Number(values.seed), Number(values.minutes)];
    if (!Number.isSafeInteger(seed) || seed < 0 || !(minutes >= 0.2 && minutes <= 600)) return undefined;
    const workflows = values.workflows === undefined ? undefined : Number(values.workflows);
    if (workflows !== undefined && !(Number.isSafeInteger(workflows) && workflows >= 0)) return undefined;
    return { seed, minutes, workflows, json, plan, keep, samples };
  } catch {
    return undefined;
  }
}
