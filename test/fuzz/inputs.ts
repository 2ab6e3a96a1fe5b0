/**
 * `inputs.ts [--cases N] [--seed S] [--stage NAME] [--json]`: good input, changed in its structure, sent through every door by which input comes. No
 * servers. Prints what became of it; ends with 1 where something became of it that must not, and says how to see that again.
 */
import { parseArgs } from 'node:util';

import { Guard } from './inputs/guard.js';
import { casesOf, STAGES } from './inputs/stages.js';

const { values } = parseArgs({
  options: { cases: { type: 'string' }, seed: { type: 'string' }, stage: { type: 'string' }, json: { type: 'boolean' } },
});
const cases = Number(values.cases ?? 100_000);
const seed = Number(values.seed ?? Math.floor(Math.random() * 2 ** 31));
const stages = STAGES.filter(({ name }) => values.stage === undefined || name === values.stage);
if (!Number.isSafeInteger(cases) || cases < 1 || !Number.isSafeInteger(seed) || stages.length === 0) {
  const names = STAGES.map(({ name }) => `"${name}"`).join(', ');
  process.stderr.write(`error: expected --cases and --seed with whole numbers, and --stage with one of ${names}\n`);
  process.exit(2);
}
const guard = new Guard({ stages: new URL('inputs/stages.js', import.meta.url), silentMs: 60_000, memoryMiB: 1_536 });
for (const stage of stages) {
  const begun = performance.now();
  const figures = await guard.run(stage.name, { cases: casesOf(stage, cases), seed });
  const seconds = Math.round(performance.now() - begun) / 1_000;
  if (values.json === true) process.stdout.write(`${JSON.stringify({ ...figures, seconds })}\n`);
  else {
    const often = Object.entries(figures.outcomes).sort(([, a], [, b]) => b - a);
    process.stdout.write(`${figures.stage}: ${figures.cases} cases in ${seconds} s, seed ${seed}\n`);
    for (const [outcome, count] of often) process.stdout.write(`${String(count).padStart(8)}  ${outcome}\n`);
  }
  if (figures.failure === undefined) continue;
  process.stderr.write(
    `${figures.failure}\nAgain: npm run test:fuzz -- inputs --stage "${stage.name}" --cases ${cases} --seed ${seed}\n`,
  );
  process.exitCode = 1;
}
await guard.close();
