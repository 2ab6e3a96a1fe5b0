// Runs scripts/test.mjs, for the commands that run the same tests under several conditions.
import { spawn } from 'node:child_process';
import { root } from './prepare.mjs';

let running;
/** Whether somebody wants it to end. */
export let stopped = false;
for (const signal of ['SIGINT', 'SIGTERM']) {
  process.on(signal, () => {
    stopped = true;
    running?.kill(signal);
  });
}

/**
 * Shows all that the run writes. Resolves with its standard error, where the servers say what they are, and with its totals, which are the last line of
 * its standard output. A run that could not start, or ended badly otherwise, has failed.
 */
export async function runTests(words, env, node = process.execPath) {
  const { stdout, stderr, status } = await run(words, env, node);
  const [, passed, failed] = /^(\d+) passed, (\d+) failed$/.exec(stdout.trimEnd().split('\n').at(-1)) ?? [undefined, 0, 1];
  const [about] = /^\d+ pending/m.exec(stdout) ?? [];
  return { stderr, passed: Number(passed), failed: Number(failed) || (status === 0 ? 0 : 1), pending: about && `, ${about}` };
}

function run(words, env, node) {
  return new Promise((resolve, reject) => {
    running = spawn(node, ['scripts/test.mjs', ...words], { cwd: root, env, stdio: ['ignore', 'pipe', 'pipe'] });
    const said = { stdout: '', stderr: '' };
    for (const stream of ['stdout', 'stderr']) {
      running[stream].setEncoding('utf8').on('data', text => {
        said[stream] += text;
        process[stream].write(text);
      });
    }
    running.once('error', reject);
    running.once('close', status => resolve({ ...said, status }));
  });
}

/** Says line by line how each run ended, and all of them together; so ends the command. */
export function sumUp(runs) {
  const of = what => runs.reduce((sum, each) => sum + each[what], 0);
  const lines = runs.map(
    ({ title, passed, failed, pending = '', about = '' }) => `${title}: ${passed} passed, ${failed} failed${pending}${about}`,
  );
  process.stdout.write(`\n${lines.join('\n')}\n\n${of('passed')} passed, ${of('failed')} failed\n`);
  process.exitCode = of('failed') === 0 && !stopped ? 0 : 1;
}
