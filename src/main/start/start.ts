import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

import { table } from '../../cli/output.js';
import { createClient } from '../../client/client.js';
import { fetchWith, readClientTls, tlsFilesOf } from '../../client/tls.js';
import { EXIT, failureOf } from '../../cli/exit-codes.js';
import { loadConfig } from '../../config/load.js';
import { onSignals } from '../../process/signals.js';
import { system } from '../../process/system.js';
import { describeSetupError, SetupError } from '../../servers/servers.js';
import { RoleEnded } from '../stack/role-process.js';
import { ROLES, Stack } from '../stack/stack.js';
import { tendAll, Tender } from '../stack/tend.js';
import { showLine } from '../terminal.js';
import { readFlags, USAGE, type StartFlags } from './flags.js';
import { mirror, type Mirrored } from './mirror.js';
import { watchNpm } from './npm.js';
import { startOrigin } from './origin.js';
import { verify, type Verified } from './verify.js';

/** `npm start`: everything at once, one repository mirrored before one's eyes, then it serves. */

const ROOT = fileURLToPath(new URL('../../..', import.meta.url)).replace(/\/$/, '');

/** What `--json` prints. */
interface Report {
  ok: boolean;
  tasks: { id: string; name: string; state: string; startedAt: string | null; finishedAt: string | null }[];
  files: number;
  bytes: number;
  waitedForLock: boolean;
}

const flags = flagsOrExit();
process.exit(await start(flags));

async function start({ once, mirror: url, json }: StartFlags): Promise<number> {
  const over = new AbortController();
  const tell = (line: string): void => void (json ? process.stderr : process.stdout).write(`${line}\n`);
  process.env.INTERLOCK_LOG_LEVEL ??= 'warn'; // the mirror is what there is to read
  const stack = new Stack({ loaded: loadConfig(), directory: join(ROOT, '.interlock'), report: tell, onLine: showLine });
  endOnSignals(stack, over);
  const token = process.env.INTERLOCK_TOKEN; // where a folder of an earlier start has tokens
  const tls = readClientTls(tlsFilesOf(process.env)); // where api.tls names a certificate
  const origin = await startOrigin(ROOT);
  let report: Report = { ok: false, tasks: [], files: 0, bytes: 0, waitedForLock: false };
  try {
    await stack.start();
    const mirrored = await mirror({
      client: createClient({ url: stack.url, ...(token !== undefined && { token }), ...(tls && { tls }) }),
      origin: url ?? origin.url,
      queued: () => origin.release(),
      tell,
      signal: over.signal,
    });
    const asked = { url: stack.url, fetch: tls ? fetchWith(tls) : fetch };
    const verified = await verify(asked, mirrored.repository, over.signal);
    report = reportOf(mirrored, verified);
    tell(summary(mirrored, verified));
    if (!once) {
      tell(addresses(stack.url, mirrored.repository));
      await keepServing(stack, over, tell);
    }
  } catch (error) {
    report = { ...report, ok: false };
    if (!over.signal.aborted) for (const text of describe(error)) process.stderr.write(`${text}\n`);
  } finally {
    tell('stopping');
    await stack.stop();
    await origin.close();
  }
  if (json) process.stdout.write(`${JSON.stringify(report)}\n`);
  return report.ok ? 0 : 1;
}

function flagsOrExit(): StartFlags {
  try {
    const read = readFlags(process.argv.slice(2));
    if (read) return read;
    process.stdout.write(USAGE);
    process.exit(0);
  } catch (error) {
    process.stderr.write(`error: ${(error as Error).message}\n\n${USAGE}`);
    process.exit(EXIT.usage);
  }
}

function endOnSignals(stack: Stack, over: AbortController): void {
  const graceful = (): void => {
    over.abort();
    void stack.stop();
  };
  watchNpm(graceful);
  process.stdout.on('error', graceful); // nobody reads it any more
  process.stderr.on('error', () => undefined);
  onSignals(
    {
      graceful,
      forced: () => void stack.force().then(() => process.exit(1)),
    },
    system.clock,
  );
}

function reportOf({ tasks, waitedForLock }: Mirrored, { files, bytes, faults }: Verified): Report {
  const ok = faults.length === 0 && waitedForLock && tasks.every(task => task.state === 'completed');
  const shown = tasks.map(({ id, name, state, startedAt, finishedAt }) => ({ id, name, state, startedAt, finishedAt }));
  return { ok, tasks: shown, files, bytes, waitedForLock };
}

function summary({ repository, tasks, waitedForLock }: Mirrored, { files, bytes, faults }: Verified): string {
  const rows = tasks.map(task => [
    task.name,
    task.state,
    seconds(task.createdAt, task.startedAt),
    seconds(task.startedAt, task.finishedAt),
  ]);
  return [
    '',
    table(['TASK', 'STATE', 'WAITED', 'RAN'], rows, 'No tasks.'),
    '',
    `second sync waited for the lock of /repositories/${repository}: ${waitedForLock ? 'yes' : 'NO'}`,
    faults.length === 0
      ? `published ${files} files (${bytes} bytes), every checksum read back and right`
      : `published ${files} files, ${faults.length} of them WRONG:\n  ${faults.slice(0, 10).join('\n  ')}`,
  ].join('\n');
}

function seconds(from: string | null, to: string | null): string {
  return from === null || to === null ? '' : `${((Date.parse(to) - Date.parse(from)) / 1_000).toFixed(2)} s`;
}

function addresses(url: string, repository: string): string {
  return [
    '',
    `  API      ${url}/api/v1  (described by ${url}/api/v1/openapi.json)`,
    `  content  ${url}/content/${repository}/`,
    `  try      INTERLOCK_URL=${url} scripts/interlock status`,
    '',
    'serving until Ctrl-C',
  ].join('\n');
}

/** Until Ctrl-C; throws when a role will not stay. */
async function keepServing(stack: Stack, over: AbortController, tell: (line: string) => void): Promise<void> {
  const tenders = ROLES.map(role => new Tender(stack, role, tell));
  if (!(await tendAll(tenders, over))) throw new Error('a role did not stay');
}

function describe(error: unknown): string[] {
  if (error instanceof SetupError) return describeSetupError(error);
  return error instanceof RoleEnded ? [error.message] : failureOf(error).lines;
}
