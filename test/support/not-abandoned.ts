import type { ChildProcess } from 'node:child_process';

const running = new Set<ChildProcess>();

/** Has it killed when this process ends before it: a test run that is told to end leaves nobody behind who waits for its servers. */
export function notAbandoned<T extends ChildProcess>(child: T): T {
  if (running.size === 0) process.once('exit', killAll);
  running.add(child);
  child.once('exit', () => {
    running.delete(child);
    if (running.size === 0) process.off('exit', killAll);
  });
  return child;
}

function killAll(): void {
  for (const child of running) child.kill('SIGKILL');
}
