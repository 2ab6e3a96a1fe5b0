// What every peer on Node runs, and how it tells the bench what it has measured.
import { readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';

/** What the bench asks for: `{command, ...}`. */
export const asked = JSON.parse(process.env.PEER);

export function answer(value) {
  process.stdout.write(`answer ${JSON.stringify(value)}\n`);
}

/** Of a package that is installed beside this file. */
export function versionOf(name) {
  return JSON.parse(readFileSync(new URL(`node_modules/${name}/package.json`, import.meta.url))).version;
}

/** Kinds of the tasks that stand in line before those that are measured: warm-up, then one sleep for each slot. */
export function kindsBefore({ warmUp, slots }) {
  return [...Array(warmUp).fill('warm'), ...Array(slots).fill('hold')];
}

const now = () => Number(process.hrtime.bigint()) / 1e9;

/** Seconds that `work` takes. */
export async function seconds(work) {
  const begun = now();
  await work();
  return now() - begun;
}

/** A body for `tasks` measured tasks, and how long they took: until `stored`, asked from the end of the last body on, finds all of them. */
export function measuredBody({ tasks, holdMs }, stored) {
  let begun;
  let ran = 0;
  let finish;
  const allRan = new Promise(resolve => (finish = resolve));
  const body = async kind => {
    if (kind === 'hold') return sleep(holdMs, null);
    if (kind !== 'measured') return null;
    begun ??= now();
    if ((ran += 1) === tasks) finish();
    return null;
  };
  const result = async () => {
    await allRan;
    while ((await stored()) < tasks) await sleep(2);
    return { runSeconds: now() - begun, ran, stored: await stored() };
  };
  return { body, result };
}
