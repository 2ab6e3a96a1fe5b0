import type { Command } from 'commander';

import type { Diagnosis } from '../../doctor/doctor.js';
import { seconds } from '../arguments.js';
import { EXIT } from '../exit-codes.js';
import type { Output } from '../output.js';

interface Options {
  blockedAfter?: number;
  json?: boolean;
}

const HOUR_S = 3_600;

/** `interlock doctor`: what is wrong with the deployment, and the command that mends it. */
export function doctorCommand(program: Command): void {
  program
    .command('doctor')
    .description(
      'find what is wrong with settings, machine, servers and records, and say what mends it (exit code 1 if anything is)',
    )
    .option('--blocked-after <seconds>', `tell of tasks that wait for resources for longer than this (${HOUR_S})`, seconds)
    .option('--json', 'one line of JSON, also on a terminal')
    .addHelpText('after', EXAMPLES)
    .action(async ({ blockedAfter = HOUR_S, json }: Options) => {
      const { runDoctor } = await import('../../main/doctor/doctor.js');
      const { createOutput, plain } = await import('../output.js');
      const out = createOutput({ json });
      const report = await runDoctor({ blockedAfterMs: blockedAfter * 1_000 });
      if (!report.ok) process.exitCode = EXIT.error;
      out.data(report, () => told(report, out, text => plain(text, 2_000)));
    });
}

const EXAMPLES = `
It changes nothing. It needs the settings of the roles (both servers), not the API.

Examples:
  interlock doctor
  interlock doctor --json | jq '.findings[].fault'`;

function told(report: Diagnosis & { durationMs: number }, { paint }: Output, plain: (text: string) => string): string {
  const { findings, omitted, checked, unchecked, durationMs } = report;
  const colour = { error: paint.red, warning: paint.yellow };
  const lines = findings.flatMap(({ fault, severity, evidence, remedy }) => [
    colour[severity](`${severity.padEnd(7)}  ${fault}`),
    `  ${plain(evidence)}`,
    `  ${paint.dim('mend:')} ${plain(remedy)}`,
  ]);
  if (omitted > 0) lines.push(`… and ${omitted} more like these.`);
  if (unchecked.length > 0)
    lines.push(`${unchecked.length} faults could not be looked for: what is named above stands before them (--json lists them).`);
  const verdict = findings.length === 0 ? paint.green('nothing is wrong') : `${findings.length + omitted} found`;
  return [
    ...lines,
    `Looked for ${checked.length} of ${checked.length + unchecked.length} faults in ${(durationMs / 1_000).toFixed(1)} s: ${verdict}.`,
  ].join('\n');
}
