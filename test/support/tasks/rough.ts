import { spawn } from 'node:child_process';
import { appendFileSync, readFileSync, writeSync } from 'node:fs';
import { Socket } from 'node:net';

import { currentTask } from 'interlock';

/** Task code that misbehaves. Each says in `file` when it has begun, so that a test can wait for it. */
interface Where {
  file: string;
}

/** Hears nothing: no signal, no message. */
export function busyLoop({ file }: Where): never {
  process.on('SIGTERM', () => undefined);
  for (let last = 0; ;) {
    const now = Date.now();
    if (now - last < 20) continue;
    last = now;
    appendFileSync(file, `tick ${process.pid}\n`);
  }
}

/** Waits in the kernel for somebody to write to `fifo`: its event loop stands still, and it does not even ask for the time. */
export function blockedRead({ file, fifo }: Where & { fifo: string }): string {
  appendFileSync(file, `tick ${process.pid}\n`);
  return readFileSync(fifo, 'utf8');
}

export function exit(status: number): void {
  process.stderr.write('goodbye\n');
  process.exit(status);
}

export function abort(): void {
  process.abort();
}

export async function raise(signal: string): Promise<void> {
  process.kill(process.pid, signal);
  await new Promise(() => setInterval(() => undefined, 1_000));
}

/** Has ended well before it throws where nobody can catch it. */
export function throwLater(): number {
  setTimeout(() => {
    throw new Error('too late');
  }, 20);
  return process.pid;
}

export async function rejectUnseen(): Promise<void> {
  void Promise.reject(new Error('nobody looks'));
  await new Promise(() => setInterval(() => undefined, 1_000));
}

export async function hogBuffers(): Promise<void> {
  const hoard: Buffer[] = [];
  for (;;) {
    hoard.push(Buffer.alloc(8 * 1024 * 1024, 1));
    await new Promise(resolve => setImmediate(resolve));
  }
}

/** A busy loop beside a process in a session of its own that writes as well. */
export function busyParent({ file }: Where): never {
  void grandchild({ file: `${file}.grandchild`, detached: true, outlive: true });
  return busyLoop({ file });
}

const leaked: Buffer[] = [];

/** What it has taken it never gives back. */
export function leak(mebibytes: number): void {
  leaked.push(Buffer.alloc(mebibytes * 1024 * 1024, 1));
}

/** Leaves a process that writes; `detached` gives it a session of its own. */
export async function grandchild({
  file,
  detached,
  outlive,
}: Where & { detached?: boolean; outlive?: boolean }): Promise<number> {
  const script = `while true; do echo "tick $$" >> '${file}'; sleep 0.02; done`;
  const child = spawn('sh', ['-c', script], { detached: detached === true, stdio: 'ignore' });
  child.unref();
  if (outlive !== true) await new Promise(() => setInterval(() => undefined, 1_000));
  return child.pid ?? 0;
}

export function leaveTimer({ file }: Where): number {
  setInterval(() => appendFileSync(file, 'tick\n'), 20);
  return process.pid;
}

export function pidOfChild(): number {
  return process.pid;
}

export async function garbage(): Promise<void> {
  writeSync(3, Buffer.from('\xff\xff\xff\x7fthis is no frame', 'latin1'));
  await new Promise(() => setInterval(() => undefined, 1_000));
}

export async function wrongMessage(): Promise<void> {
  writeFrame('{"kind":"outcome","run":"7"}');
  await new Promise(() => setInterval(() => undefined, 1_000));
}

export async function flood(): Promise<void> {
  const frame = `{"kind":"log","run":${ownNumber()},"level":"debug","message":"x","fields":{}}`;
  for (;;) {
    for (let n = 0; n < 500; n += 1) writeFrame(frame);
    await new Promise(resolve => setImmediate(resolve));
  }
}

/** By which its start goes between its child and its supervisor: nobody tells, but it can be overheard. */
function ownNumber(): number {
  let heard = '';
  Socket.prototype.write = (chunk: unknown) => {
    heard = String(chunk);
    return true;
  };
  currentTask().log.info('overheard');
  Reflect.deleteProperty(Socket.prototype, 'write'); // what it has is inherited
  return Number(/"run":(\d+)/.exec(heard)?.[1]);
}

function writeFrame(text: string): void {
  const frame = Buffer.alloc(4 + text.length);
  frame.writeUInt32LE(text.length);
  frame.write(text, 4);
  try {
    writeSync(3, frame);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EAGAIN') throw error;
  }
}
