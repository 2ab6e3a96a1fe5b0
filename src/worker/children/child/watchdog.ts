// A thread of its own in every child: it acts in a busy loop of task code, with a stopped supervisor and with a dead one.
// It imports nothing of ours, so that it can be started from its source alone.
import { writeSync } from 'node:fs';
import { Socket } from 'node:net';
import { parentPort, workerData } from 'node:worker_threads';

export interface WatchdogData {
  /** Shared with the main thread: the deadline in whole CLOCK_MONOTONIC milliseconds; 0: none yet. */
  deadline: SharedArrayBuffer;
  memoryMiB: number;
  /** Many tasks share the process. `turns` counts up as long as the event loop of the main thread turns. */
  shared: { softMemoryMiB: number; turns: SharedArrayBuffer } | undefined;
}

/**
 * fd 4: deadlines come in as 8-byte little-endian doubles. Words go out, one a line. Before the group is killed: `D` its deadline has passed, `M` it
 * uses too much memory. Where the process is shared: `S` it uses as much as it should, `B` the event loop has stood still for a second,
 * `T` and milliseconds: it turns again, `A` a deadline has been read.
 */
const LIFELINE = 4;
const { deadline, memoryMiB, shared } = workerData as WatchdogData;

/** A tick costs 0.2 ms of a slow machine, idle or not, and there may be a child for each of 64 slots. */
const TICK_MS = shared ? 100 : 250;
const STILL_TICKS = 10;
/** Longer than any deadline is away, shorter than a timer can be. */
const FAR_MS = 600_000;
const deadlineMs = new BigInt64Array(deadline);

function kill(word: 'D' | 'M' | ''): never | undefined {
  if (word !== '') tell(word);
  process.kill(-process.pid, 'SIGKILL');
  return undefined;
}

function tell(word: string): void {
  try {
    writeSync(LIFELINE, `${word}\n`);
  } catch {
    // Nobody reads any more.
  }
}

function tick(): void {
  const until = Atomics.load(deadlineMs, 0);
  if (until > 0n && process.hrtime.bigint() >= until * 1_000_000n) kill('D');
  const memory = process.memoryUsage.rss() / 1024 / 1024;
  if (memory > memoryMiB) kill('M');
  if (shared) watchShared(shared, memory);
}

let tooMuch = false;
let lastTurn = 0;
/** Ticks of this thread and not time: the whole process may have been stopped. */
let still = 0;

function watchShared({ softMemoryMiB, turns }: NonNullable<WatchdogData['shared']>, memory: number): void {
  if (!tooMuch && memory > softMemoryMiB) {
    tooMuch = true;
    tell('S');
  }
  const turn = Atomics.load(new Int32Array(turns), 0);
  if (turn === lastTurn) {
    still += 1;
    if (still === STILL_TICKS) tell('B');
    return;
  }
  if (still >= STILL_TICKS) tell(`T${still * TICK_MS}`);
  lastTurn = turn;
  still = 0;
}

let atDeadline: NodeJS.Timeout | undefined;

/** It fires at the deadline itself, and at once in a process that was stopped past it. */
function wakeAt(untilMs: number): void {
  clearTimeout(atDeadline);
  const inMs = untilMs - Number(process.hrtime.bigint()) / 1e6;
  atDeadline = setTimeout(atLatest, Math.min(FAR_MS, Math.max(1, Math.ceil(inMs))));
}

function atLatest(): void {
  tick();
  wakeAt(Number(Atomics.load(deadlineMs, 0))); // not yet: the timer was early, or the deadline is far away
}

let rest = Buffer.alloc(0);
const lifeline = new Socket({ fd: LIFELINE, readable: true, writable: false });
lifeline.on('data', (chunk: Buffer) => {
  const bytes = Buffer.concat([rest, chunk]);
  const whole = bytes.length - (bytes.length % 8);
  rest = bytes.subarray(whole);
  if (whole === 0) return;
  const until = Math.floor(bytes.readDoubleLE(whole - 8));
  Atomics.store(deadlineMs, 0, BigInt(until));
  wakeAt(until);
  if (shared) tell('A');
});
// The supervisor is dead, or has let go of this child.
lifeline.on('end', () => kill(''));
lifeline.on('error', () => kill(''));
setInterval(tick, TICK_MS);
parentPort?.postMessage('watching');
