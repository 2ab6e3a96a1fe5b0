import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

import { readOptions, USAGE, type Options } from './options.js';
import { Journal } from './journal.js';
import { perform } from './perform.js';
import { plan } from './plan.js';
import { tell } from './report.js';
import { Stage } from './stage.js';
import { judge, type Verdict } from './verdict.js';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const report = (line: string): void => void process.stderr.write(`${line}\n`);

/** `npm run chaos -- --seed N --minutes M`: docs/chaos.md says what it does and how to read it. */
async function main(options: Options): Promise<number> {
  report(`seed ${options.seed}`);
  const planned = plan(options.seed, options.minutes, options.workflows);
  if (options.plan) {
    process.stdout.write(`${JSON.stringify(planned, null, options.json ? 0 : 2)}\n`);
    return 0;
  }
  const folder = newFolder(options.seed);
  writeFileSync(join(folder, 'plan.json'), JSON.stringify(planned, null, 1));
  const stage = new Stage(folder, new Journal(folder, report));
  const interrupted = endOnSignal(stage);
  try {
    const verdict = await Promise.race([run(options, stage), interrupted]);
    process.stdout.write(options.json ? `${JSON.stringify(verdict)}\n` : tell(verdict, folder));
    if (verdict.ok && !options.keep) rmSync(folder, { recursive: true, force: true });
    return verdict.ok ? 0 : 1;
  } finally {
    await stage.close();
  }
}

async function run(options: Options, stage: Stage): Promise<Verdict> {
  const planned = plan(options.seed, options.minutes, options.workflows);
  const seen = await perform(planned, stage);
  const verdict = judge(planned, seen, stage.journal.hung);
  if (options.samples !== undefined) seen.samples.write(options.samples);
  writeFileSync(join(stage.folder, 'verdict.json'), JSON.stringify(verdict, null, 1));
  return verdict;
}

class Interrupted extends Error {}

/** Rejects with the first Ctrl-C; whoever awaits it closes the stage. */
function endOnSignal(stage: Stage): Promise<never> {
  return new Promise((_resolve, reject) => {
    for (const signal of ['SIGINT', 'SIGTERM'] as const) {
      process.once(signal, () => {
        stage.journal.say(`${signal}: ending everything`);
        reject(new Interrupted(signal));
      });
    }
  });
}

function newFolder(seed: number): string {
  const folder = join(ROOT, '.interlock', 'chaos', `seed-${seed}-${new Date().toISOString().replace(/[:.]/g, '-')}`);
  mkdirSync(folder, { recursive: true });
  return folder;
}

const options = readOptions(process.argv.slice(2));
if (!options) {
  report(USAGE);
  process.exit(2);
}
main(options).then(
  code => process.exit(code),
  (error: unknown) => {
    if (error instanceof Interrupted) process.exit(130);
    report(error instanceof Error ? (error.stack ?? error.message) : String(error));
    process.exit(1);
  },
);
