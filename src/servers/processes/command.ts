import { spawn } from 'node:child_process';
import { SetupError } from '../setup-error.js';

export interface CommandOptions {
  cwd?: string;
  env?: NodeJS.ProcessEnv;
  /** The command is killed after this time. */
  timeoutMs: number;
  /** Finds the reason of a failure in what the command wrote; without one, its last lines stand in the message. */
  reason?: (output: string) => string | undefined;
}

const KEPT = 64 * 1024; // enough for a version, a URL or the reason of a failure

/**
 * Runs an external command and gives its standard output. It stays in this process's group, so that Ctrl-C ends it too.
 * @throws SetupError `command-missing`, or `command-failed` with the last lines of what it wrote
 */
export async function run(command: string, args: readonly string[], options: CommandOptions): Promise<string> {
  const child = spawn(command, args, {
    cwd: options.cwd,
    env: options.env ?? process.env,
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let [out, all] = ['', ''];
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    out = (out + text).slice(-KEPT);
    all = (all + text).slice(-KEPT);
  });
  child.stderr.setEncoding('utf8').on('data', (text: string) => (all = (all + text).slice(-KEPT)));
  const end = await new Promise<string | number | Error>(resolve => {
    const timer = setTimeout(() => {
      child.kill('SIGKILL');
      child.stdout.destroy(); // what it may have started keeps the pipes open
      child.stderr.destroy();
      resolve(`did not end within ${options.timeoutMs / 1000} s`);
    }, options.timeoutMs);
    const settle = (result: string | number | Error) => {
      clearTimeout(timer);
      resolve(result);
    };
    child.on('error', settle);
    child.on('close', (code, signal) => settle(code ?? signal ?? 'unknown'));
  });
  if (end === 0) return out;
  if (end instanceof Error) {
    if ((end as NodeJS.ErrnoException).code !== 'ENOENT') throw end;
    throw new SetupError('command-missing', `${command} is not on this machine`);
  }
  const reason = options.reason?.(all) ?? `\n${lastLines(all, 8)}`;
  throw new SetupError('command-failed', `${command} ${args[0] ?? ''} ${howItEnded(end)}: ${reason}`.replace(': \n', ':\n'));
}

function howItEnded(end: string | number): string {
  return typeof end === 'number' ? `ended with ${end}` : end.startsWith('SIG') ? `was ended by ${end}` : end;
}

export function lastLines(text: string, count: number): string {
  return text
    .trimEnd()
    .split('\n')
    .slice(-count)
    .map(line => `    ${line.slice(0, 300)}`)
    .join('\n');
}
