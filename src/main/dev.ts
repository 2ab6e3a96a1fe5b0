import { loadConfig } from '../config/load.js';
import { onSignals } from '../process/signals.js';
import { system } from '../process/system.js';
import { describeSetupError, SetupError } from '../servers/servers.js';
import { RoleEnded } from './stack/role-process.js';
import { ROLES, Stack } from './stack/stack.js';
import { tendAll, Tender } from './stack/tend.js';
import { moduleTrouble } from './stack/try-modules.js';
import { watchModules } from './stack/watch-modules.js';
import { showLine } from './terminal.js';

export interface DevFlags {
  port?: number;
  concurrency?: number;
}

const DIRECTORY = '.interlock';
/** They load task modules; the resource manager does not. Each starts anew only after a process of its own has loaded what changed. */
const RELOADED: readonly string[] = ['worker', 'api', 'beat'];

/** `interlock dev`: everything in one terminal, until a signal ends it. Sets the exit code: 0, or 1 when a role would not start or stay. */
export async function runDev(flags: DevFlags): Promise<void> {
  const loaded = loadConfig();
  const say = (line: string): void => showLine('dev', line);
  for (const warning of loaded.warnings) say(warning);
  const stack = new Stack({
    loaded,
    directory: DIRECTORY,
    keepData: `${DIRECTORY}/dev`,
    ...flags,
    report: say,
    onLine: showLine,
  });
  const over = new AbortController();
  onSignals(
    {
      graceful: () => {
        over.abort();
        void stack.stop();
      },
      forced: () => void stack.force().then(() => process.exit(1)),
    },
    system.clock,
  );
  try {
    await stack.start();
    announce(stack);
    await keepAll(stack, over, { taskModules: loaded.config.taskModules, say });
  } catch (error) {
    if (!(error instanceof SetupError || error instanceof RoleEnded)) throw error;
    if (over.signal.aborted) return;
    for (const line of error instanceof SetupError ? describeSetupError(error) : [error.message]) say(line);
    process.exitCode = 1;
  } finally {
    say('stopping');
    await stack.stop();
  }
}

function announce(stack: Stack): void {
  const lines = stack.ready.map(({ role, detail }) => `  ${role.padEnd(17)} ${detail}`);
  const { mongoUrl, amqpUrl } = stack.servers ?? {};
  const servers = [mongoUrl, amqpUrl].filter(url => url !== undefined).join('  ');
  const example = `curl -s ${stack.url}/api/v1/status`;
  process.stdout.write(
    `${[...lines, `  ${'API'.padEnd(17)} ${stack.url}/api/v1`, servers && `  ${'servers'.padEnd(17)} ${servers}`].filter(Boolean).join('\n')}\n`,
  );
  process.stdout.write(`  ready - try:      ${example}\n`);
}

/** Until a signal, or until a role will not stay. */
async function keepAll(
  stack: Stack,
  over: AbortController,
  { taskModules, say }: { taskModules: readonly string[]; say: (line: string) => void },
): Promise<void> {
  const tenders = ROLES.map(role => new Tender(stack, role, say));
  const reloading = tenders.filter(({ role }) => RELOADED.includes(role));
  let changes = 0;
  const reload = async (file: string): Promise<void> => {
    const change = ++changes;
    const trouble = await moduleTrouble();
    if (change !== changes || over.signal.aborted) return; // there is a newer one, or nobody to tell
    if (trouble !== undefined) {
      say(`${file} changed, but cannot be used; the old code goes on: ${trouble}`);
      return;
    }
    say(`${file} changed: starting ${RELOADED.join(', ')} again`);
    for (const tender of reloading) tender.reload();
  };
  const unwatch = watchModules(taskModules, file => void reload(file));
  const stayed = await tendAll(tenders, over);
  unwatch();
  if (!stayed) process.exitCode = 1;
}
