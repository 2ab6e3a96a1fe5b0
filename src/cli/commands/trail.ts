import type { Command } from 'commander';

import { collect, integerBetween, oneOfWords, time } from '../arguments.js';
import { connect, remoteOptions, requestOptions, type RemoteOptions } from '../remote.js';

interface TrailOptions extends RemoteOptions {
  who?: string[];
  operation?: string[];
  target?: string[];
  outcome?: string;
  after?: Date;
  before?: Date;
  limit?: number;
}

const EXAMPLES = `
Examples:
  interlock audit trail
  interlock audit trail --who ci --after 2026-01-31T00:00:00Z
  interlock audit trail --operation releaseResource --target repository:a`;

/** `interlock audit trail`: what operators did. */
export function trailCommand(audit: Command): void {
  remoteOptions(audit.command('trail').description('what operators did, newest first (role admin)'))
    .option('--who <name>', 'name of a token, or local; may be repeated', collect)
    .option('--operation <id>', 'as purgeTasks; may be repeated', collect)
    .option('--target <name>', 'name or id; may be repeated', collect)
    .option('--outcome <outcome>', 'begun, done, refused or failed', oneOfWords('begun', 'done', 'refused', 'failed'))
    .option('--after <time>', 'from this time on, as 2026-01-31T12:00:00Z', time)
    .option('--before <time>', 'before this time', time)
    .option('--limit <n>', 'so many (50)', integerBetween(1, 500))
    .addHelpText('after', EXAMPLES)
    .action(async (_own: unknown, command: Command) => {
      // `interlock audit` has --json, too: on the way to its subcommand it is the one that is set.
      const options = command.optsWithGlobals<TrailOptions>();
      const { client, out } = await connect(options);
      const { table } = await import('../output.js');
      const page = await client.auditTrail(requestOptions(options));
      const rows = page.items.map(({ at, who, operation, target, detail, outcome, requestId }) => [
        ...[at, who, operation, target, detail, outcome, requestId],
      ]);
      const heads = ['AT', 'WHO', 'OPERATION', 'TARGET', 'DETAIL', 'OUTCOME', 'REQUEST'];
      out.data(page, () => table(heads, rows, 'Nothing.'));
      const last = page.items.at(-1);
      if (page.next !== null && last) out.note(`There is more: --before ${last.at}`);
    });
}
