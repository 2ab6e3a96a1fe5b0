// A command with a server, for tests that kill it: prints who is who as one line and stays until its input ends.
// Arguments: the base of run folders, the grace in ms, and what the server runs in a shell.
import { startGuardian } from '../../../src/servers/processes/guardian.js';
import { createRunFolder } from '../../../src/servers/processes/run-folder.js';
import { launch } from '../../../src/servers/processes/server-process.js';

const [base = '', grace = '0', script = 'sleep 600'] = process.argv.slice(2);
const folder = createRunFolder(base);
const guardian = startGuardian(folder, Number(grace));
const server = launch(
  {
    name: 'server',
    command: ['/bin/sh', '-c', script],
    env: process.env,
    cwd: folder.path,
    logFile: `${folder.path}/server.log`,
  },
  { folder, guardian, tell: () => undefined },
);
process.stdout.write(`${JSON.stringify({ folder: folder.path, server: server.identity, guardian: guardian.identity })}\n`);
process.stdin.resume();
