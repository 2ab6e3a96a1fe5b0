import type { Command } from 'commander';

import type { BackupReport } from '../../backup/backup.js';
import type { RestoreReport } from '../../backup/restore.js';
import type { VerifyReport } from '../../backup/verify.js';
import { UsageError } from '../exit-codes.js';
import { createOutput } from '../output.js';

interface RestoreFlags {
  requeue?: boolean;
  replace?: boolean;
  databaseOnly?: boolean;
  settingsOnly?: boolean;
  json?: boolean;
}

/** `interlock backup | verify | restore DIR`: with the servers themselves, not the API. Progress goes to standard error. */
export function backupCommands(program: Command): void {
  program
    .command('backup <dir>')
    .description('write everything of this deployment to a new folder, while it works')
    .option('--json', 'one line of JSON, also on a terminal')
    .action(async (dir: string, options: { json?: boolean }) => {
      const out = createOutput(options);
      const { runBackup } = await import('../../main/backup/backup.js');
      const report = await runBackup(dir, line => out.note(line));
      out.data(report, () => backedUp(report));
    });
  program
    .command('verify <dir>')
    .description('whether a backup could be restored: checksums, then a rehearsal in a database of its own')
    .option('--checksums-only', 'no rehearsal, no database')
    .option('--json', 'one line of JSON, also on a terminal')
    .action(async (dir: string, options: { checksumsOnly?: boolean; json?: boolean }) => {
      const out = createOutput(options);
      const { runVerify } = await import('../../main/backup/verify.js');
      const report = await runVerify(dir, line => out.note(line), options.checksumsOnly ?? false);
      out.data(report, () => verified(report));
    });
  program
    .command('restore <dir>')
    .description('bring a backup back; refuses while any role lives')
    .option('--requeue', 'queue again what was not final and may run again by its type, instead of canceling it')
    .option('--replace', 'also over a database that is not empty, and over files that differ')
    .option('--database-only', 'leave all files alone')
    .option('--settings-only', 'settings, certificates and included files alone: needs no settings and no servers')
    .option('--json', 'one line of JSON, also on a terminal')
    .action(restoreAction);
}

async function restoreAction(dir: string, flags: RestoreFlags): Promise<void> {
  const { requeue = false, replace = false, databaseOnly = false, settingsOnly = false } = flags;
  if (settingsOnly && (databaseOnly || requeue)) throw new UsageError('--settings-only restores no database.');
  const out = createOutput(flags);
  const { runRestore, runRestoreSettings } = await import('../../main/backup/restore.js');
  const note = (line: string): void => out.note(line);
  if (settingsOnly) {
    const report = await runRestoreSettings(dir, note, replace);
    out.data(report, () => `The settings of backup ${report.id} are back. Now: interlock restore ${dir}`);
    return;
  }
  const report = await runRestore(dir, note, { requeue, replace, databaseOnly });
  note('step 5, yours: start the services (systemctl start interlock.target), then `interlock audit`');
  out.data(report, () => restored(report));
}

function backedUp({ directory, cutAt, documents, files, bytes, leftOut, durationMs }: BackupReport): string {
  const left = leftOut === 0 ? '' : ` ${leftOut} things were left out: see "leftOut" in its manifest.json.`;
  return `${directory}: ${documents} documents as of ${cutAt}, ${files} files, ${bytes} bytes, in ${(durationMs / 1_000).toFixed(1)} s.${left}`;
}

function verified({ id, cutAt, documents, files, rehearsal }: VerifyReport): string {
  const sound = `The backup ${id} of ${cutAt} is whole: ${documents} documents, ${files} files.`;
  if (!rehearsal) return `${sound} It was not rehearsed.`;
  const { tasks, canceled, findings } = rehearsal;
  const told =
    findings === 0
      ? 'the audit of what it brings back finds nothing wrong'
      : `the audit of what it brings back has ${findings} findings`;
  return `${sound} A restore succeeds: ${tasks} tasks, ${canceled} of them canceled; ${told}.`;
}

function restored({ id, cutAt, documents, canceled, requeued, generation, broker }: RestoreReport): string {
  const away = broker === 'away' ? ' RabbitMQ did not answer: the first role that reaches it makes its queues.' : '';
  return `The backup ${id} of ${cutAt} is back: ${documents} documents, ${canceled} tasks canceled, ${requeued} queued again, generation ${generation}.${away}`;
}
