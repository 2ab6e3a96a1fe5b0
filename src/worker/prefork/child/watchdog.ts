// A thread of its own in every child: it acts in a busy loop of task code, with a stopped supervisor and with a dead one.
// It imports nothing of ours, so that it can be started from its source alone.
import { writeSync } from 'node:fs';
import { Socket } from 'node:net';
import { parentPort, workerData } from 'node:worker_threads';

export interface WatchdogData {
  /** Shared with the main thread: the deadline in whole CLOCK_MONOTONIC milliseconds; 0: none yet. */
  deadline: SharedArrayBuffer;
  memoryMiB: number;
}

/** fd 4: deadlines come in as 8-byte little-endian doubles; one letter goes out that says why the group is killed. */
const LIFELINE = 4;
const TICK_MS = 100;

const { deadline, memoryMiB } = workerData as WatchdogData;
const deadlineMs = new BigInt64Array(deadline);

function kill(letter: 'D' | 'M' | ''): never | undefined {
  try {
    if (letter !== '') writeSync(LIFELINE, letter);
  } catch {
    // Nobody reads any more.
  }
  process.kill(-process.pid, 'SIGKILL');
  return undefined;
}

function tick(): void {
  const until = Atomics.load(deadlineMs, 0);
  if (until > 0n && process.hrtime.bigint() >= until * 1_000_000n) kill('D');
  if (process.memoryUsage.rss() > memoryMiB * 1024 * 1024) kill('M');
}

let rest = Buffer.alloc(0);
const lifeline = new Socket({ fd: LIFELINE, readable: true, writable: false });
lifeline.on('data', (chunk: Buffer) => {
  const bytes = Buffer.concat([rest, chunk]);
  const whole = bytes.length - (bytes.length % 8);
  rest = bytes.subarray(whole);
  if (whole > 0) Atomics.store(deadlineMs, 0, BigInt(Math.floor(bytes.readDoubleLE(whole - 8))));
});
// The supervisor is dead, or has let go of this child.
lifeline.on('end', () => kill(''));
lifeline.on('error', () => kill(''));
setInterval(tick, TICK_MS);
parentPort?.postMessage('watching');
