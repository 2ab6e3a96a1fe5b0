// A thread of its own in every child: it acts in a busy loop of task code, with a stopped supervisor and with a dead one.
// It imports nothing of ours, so that it can be started from its source alone.
import { readFileSync, readdirSync, writeSync } from 'node:fs';
import { Socket } from 'node:net';
import { parentPort, workerData } from 'node:worker_threads';

export interface WatchdogData {
  /** Shared with the main thread: the deadline in whole CLOCK_MONOTONIC milliseconds; 0: none yet. */
  deadline: SharedArrayBuffer;
  memoryMiB: number;
  /** An entry of this process's environment, `NAME=value`, that whatever it starts inherits. */
  marker: string;
  /** Many tasks share the process. `turns` counts up as long as the event loop of the main thread turns. */
  shared: { softMemoryMiB: number; turns: SharedArrayBuffer } | undefined;
}

/**
 * fd 4: deadlines come in as 8-byte little-endian doubles. Words go out, one a line. Before the group is killed: `D` its deadline has passed, `M` it
 * uses too much memory. Where the process is shared: `S` it uses as much as it should, `B` the event loop has stood still for a second,
 * `T` and milliseconds: it turns again, `A` a deadline has been read.
 */
const LIFELINE = 4;
const { deadline, memoryMiB, marker, shared } = workerData as WatchdogData;

/** A tick costs 0.2 ms of a slow machine, idle or not, and there may be a child for each of 64 slots. */
const TICK_MS = shared ? 100 : 250;
const STILL_TICKS = 10;
/** Longer than any deadline is away, shorter than a timer can be. */
const FAR_MS = 600_000;
const deadlineMs = new BigInt64Array(deadline);

function kill(word: 'D' | 'M' | ''): never | undefined {
  if (word !== '') tell(word);
  try {
    killStrays();
  } finally {
    process.kill(-process.pid, 'SIGKILL');
  }
  return undefined;
}

/** Whatever starts others faster than they are found here must not keep this process from its own end. */
const ROUNDS_AT_MOST = 20;

/**
 * What left the group, for a session of its own say, would go on while its resource is given to another, as nobody else looks after it when the
 * supervisor is dead or stopped. It is known by the marker, or as a descendant.
 */
function killStrays(): void {
  if (!mayHaveStarted()) return;
  const killed = new Set<number>();
  for (let round = 0; round < ROUNDS_AT_MOST; round += 1) {
    const found = strays().filter(pid => !killed.has(pid));
    if (found.length === 0) return;
    for (const pid of found) killOne(pid, killed);
  }
}

function killOne(pid: number, killed: Set<number>): void {
  killed.add(pid);
  try {
    process.kill(pid, 'SIGKILL');
  } catch {
    // It has ended by itself.
  }
}

/** To read every process of a large machine takes half a second, and every child of a worker may have to at once: only where it can be of use. */
function mayHaveStarted(): boolean {
  if (statOf('self')?.faultsOfChildren !== atFirst) return true; // one of its children has ended
  try {
    return readdirSync('/proc/self/task').some(thread => read(`/proc/self/task/${thread}/children`) !== '');
  } catch {
    return true;
  }
}

function strays(): number[] {
  const self = statOf('self');
  const all = readdirSync('/proc').flatMap(entry => (/^\d+$/.test(entry) ? (statOf(entry) ?? []) : []));
  const younger = all.filter(stat => self !== undefined && stat.startTicks >= self.startTicks && stat.pid !== process.pid);
  const found = new Set(
    younger.filter(({ pid }) => read(`/proc/${pid}/environ`)?.split('\0').includes(marker)).map(({ pid }) => pid),
  );
  for (let before = -1; before !== found.size;) {
    before = found.size;
    for (const { pid, parent } of younger) if (parent === process.pid || found.has(parent)) found.add(pid);
  }
  return [...found];
}

interface Stat {
  pid: number;
  parent: number;
  startTicks: number;
  faultsOfChildren: number;
}

function statOf(pid: string): Stat | undefined {
  const text = read(`/proc/${pid}/stat`);
  if (text === undefined) return undefined;
  const fields = text.slice(text.lastIndexOf(')') + 2).split(' ');
  return {
    pid: parseInt(text, 10),
    parent: Number(fields[1]),
    startTicks: Number(fields[19]),
    faultsOfChildren: Number(fields[8]),
  };
}

/** Undefined for what has ended, and for what another user hides. */
function read(file: string): string | undefined {
  try {
    return readFileSync(file, 'latin1');
  } catch {
    return undefined;
  }
}

const atFirst = statOf('self')?.faultsOfChildren;

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
  const memory = residentMiB();
  if (memory > memoryMiB) kill('M');
  if (shared) watchShared(shared, memory);
}

let lastMiB = 0;

/** Node reads it from a file: where task code has opened as many as may be, it is what it was before. */
function residentMiB(): number {
  try {
    lastMiB = process.memoryUsage.rss() / 1024 / 1024;
  } catch {
    // EMFILE
  }
  return lastMiB;
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
