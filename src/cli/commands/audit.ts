import type { Command } from 'commander';

import type { AuditReport } from '../../audit/audit.js';
import { seconds, time } from '../arguments.js';
import { EXIT } from '../exit-codes.js';
import { trailCommand } from './trail.js';

interface Options {
  since?: Date;
  clockStep?: number;
  json?: boolean;
}

/** `interlock audit`: whether the records of the deployment say that everything went as promised. */
export function auditCommand(program: Command): void {
  const command = program
    .command('audit')
    .description('prove from the records that nothing overlapped, was doubled or waits without a reason (exit code 1 if not)')
    .option('--since <time>', 'leave out tasks that had ended before, as 2026-01-31T12:00:00Z', time)
    .option('--clock-step <seconds>', "by how much the database's clock was set back at most (a failover)", seconds)
    .option('--json', 'one line of JSON, also on a terminal')
    .action(async ({ since, clockStep, json }: Options) => {
      const { runAudit } = await import('../../main/audit.js');
      const { createOutput } = await import('../output.js');
      const report = await runAudit({ ...(since && { since }), ...(clockStep && { clockStepMs: clockStep * 1_000 }) });
      if (!report.ok) process.exitCode = EXIT.error;
      createOutput({ json }).data(report, () => told(report));
    });
  trailCommand(command);
}

function told({ checked, findings, omitted, durationMs }: AuditReport & { durationMs: number }): string {
  const count = (n: number, what: string): string => `${n.toLocaleString('en')} ${what}${n === 1 ? '' : 's'}`;
  const { tasks, attempts, grants, resources } = checked;
  const read = [count(tasks, 'task'), count(attempts, 'start'), count(grants, 'grant'), count(resources, 'resource')].join(', ');
  const total = findings.length + omitted;
  const verdict = total === 0 ? 'nothing is wrong' : `${count(total, 'finding')}:`;
  return [
    `Checked ${read} in ${(durationMs / 1_000).toFixed(1)} s: ${verdict}`,
    ...findings.map(({ rule, evidence }) => `${rule.padEnd(14)}  ${plain(evidence)}`),
    ...(omitted > 0 ? [`… and ${omitted.toLocaleString('en')} more like these.`] : []),
  ].join('\n');
}

/** Names of resources and workers are the words of others: no control characters on a terminal. */
function plain(text: string): string {
  return text.replace(/\p{Cc}+/gu, ' ');
}
