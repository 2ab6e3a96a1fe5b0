import type { Verdict } from './verdict.js';

const FINDINGS_TOLD = 20;
const SAMPLED_MINUTES = 10;

/** The verdict for people. */
export function tell(verdict: Verdict, folder: string): string {
  const { seed, minutes, tasks, faults, kinds, ok } = verdict;
  return [
    `${ok ? 'OK' : 'NOT OK'}: seed ${seed}, ${minutes} minutes, ${tasks} tasks, ${faults} faults of ${Object.keys(kinds).length} kinds`,
    ...counts(verdict),
    ...Object.entries(verdict.figures).map(([name, value]) => `  ${name}: ${value ?? 'never'}`),
    ...(minutes >= SAMPLED_MINUTES ? table(verdict) : []),
    ...(ok ? [] : complaint(verdict, folder)),
    '',
  ].join('\n');
}

function counts({ lost, doubled, overlaps, fifoViolations, unexplained, unfinished, others }: Verdict): string[] {
  const all = { lost, doubled, overlaps, fifoViolations, unexplained, unfinished, ...others };
  return [
    `  ${Object.entries(all)
      .map(([name, count]) => `${name} ${count}`)
      .join(', ')}`,
  ];
}

function table({ trends }: Verdict): string[] {
  const width = Math.max(...trends.map(trend => trend.what.length));
  const line = (what: string, ...cells: string[]): string =>
    `  ${what.padEnd(width)}${cells.map(cell => cell.padStart(12)).join('')}`;
  return [
    line('measured', 'first third', 'last third', ''),
    ...trends.map(({ what, first, last, levels }) => line(what, String(first), String(last), levels ? '' : 'grows')),
  ];
}

function complaint({ reasons, findings, seed, minutes }: Verdict, folder: string): string[] {
  return [
    ...reasons.map(reason => `  ${reason}`),
    ...findings.slice(0, FINDINGS_TOLD).map(({ rule, evidence }) => `  ${rule}: ${evidence}`),
    ...(findings.length > FINDINGS_TOLD ? [`  … and ${findings.length - FINDINGS_TOLD} more`] : []),
    `  Logs, events, evidence, plan and verdict: ${folder}`,
    `  The same plan again: npm run chaos -- --seed ${seed} --minutes ${minutes}`,
  ];
}
