import { appendFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';

import { currentTask } from 'interlock';

/** Bodies that run beside others. */

/** Ends as soon as it is asked to. */
export async function patient(file?: string): Promise<number> {
  if (file !== undefined) appendFileSync(file, 'begun\n');
  await sleep(600_000, undefined, { signal: currentTask().signal });
  return process.pid;
}

/** Waits to be lost once. */
export async function untilAgain(file: string): Promise<number> {
  return currentTask().attempt === 1 ? patient(file) : process.pid;
}

export async function brief(ms: number): Promise<number> {
  await sleep(ms);
  return process.pid;
}

/** Hears nothing, and stops nobody. */
export async function stubborn(file: string): Promise<void> {
  appendFileSync(file, 'begun\n');
  await new Promise(() => setInterval(() => undefined, 1_000));
}

/** Who it is, seen from a timer and a promise far below. */
export async function whoAmI(): Promise<string> {
  await sleep(20);
  return new Promise(resolve => setTimeout(() => void Promise.resolve().then(() => resolve(currentTask().id)), 5));
}

/** Its lines come in pieces, between those of others. */
export async function talk(word: string): Promise<void> {
  for (const piece of [`${word} `, 'one\n', `${word} two`]) {
    process.stdout.write(piece);
    await sleep(5);
  }
  process.stderr.write(`${word} complains\n`);
}

/** Nobody handles it, and it ends when it hears of that. */
export async function rejectAside(): Promise<void> {
  void sleep(5).then(() => {
    throw new Error('nobody looks');
  });
  await patient();
}

export async function throwAside(): Promise<void> {
  setTimeout(() => {
    throw new Error('thrown in a timer');
  }, 5);
  await patient();
}

/** Node forgets whose this is. */
export async function throwNowhere(): Promise<void> {
  await sleep(5);
  queueMicrotask(() => {
    throw new Error('thrown nowhere');
  });
  await patient();
}

export async function exitAside(): Promise<void> {
  await sleep(5);
  process.exit(3);
}

/** Ends in the same moment. */
export function rejectAndReturn(): string {
  void Promise.reject(new Error('nobody looks'));
  return 'done';
}

/** Leaves something that fails when it has ended. */
export function leaveRejection(): number {
  void sleep(50).then(() => {
    throw new Error('too late');
  });
  return process.pid;
}

export function block(ms: number): void {
  const until = performance.now() + ms;
  while (performance.now() < until);
}

export async function growTo(mebibytes: number): Promise<void> {
  const hoard: Buffer[] = [];
  while (process.memoryUsage.rss() < mebibytes * 1024 * 1024) {
    hoard.push(Buffer.alloc(8 * 1024 * 1024, 1));
    await new Promise(resolve => setImmediate(resolve));
  }
  currentTask().progress('grown');
  await patient();
  hoard.length = 0;
}

/** Asks, and does not wait for the answer. */
export function askAside(): string {
  void currentTask()
    .service('slow', {})
    .catch(() => undefined);
  return 'done';
}

export async function leaveBar(): Promise<string> {
  currentTask().progress('left open');
  await currentTask().directory();
  return 'done';
}

export function moveAway(): void {
  process.chdir('/');
}
