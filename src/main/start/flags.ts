import { parseArgs } from 'node:util';

export interface StartFlags {
  /** End after the mirror instead of serving on. */
  once: boolean;
  /** Mirror this instead of a folder of the checkout. */
  mirror: string | undefined;
  /** One JSON object as the last line of standard output. */
  json: boolean;
}

export const USAGE = `Usage: npm start [-- --once] [--mirror URL] [--json]

Starts everything with servers of its own, mirrors one file repository (sync, then publish), and serves until Ctrl-C.

  --once         end after the mirror: exit code 0, or 1 if anything failed
  --mirror URL   mirror this repository, a folder with a PULP_MANIFEST (default: files of this checkout, served locally)
  --json         {ok, tasks[], files, bytes, waitedForLock} as the last line of standard output; the rest goes to standard error
`;

/** Throws TypeError for a command line that makes no sense; undefined when only help was asked for. */
export function readFlags(argv: readonly string[]): StartFlags | undefined {
  const options = {
    once: { type: 'boolean' },
    mirror: { type: 'string' },
    json: { type: 'boolean' },
    help: { type: 'boolean' },
  } as const;
  const { values } = parseArgs({ args: [...argv], options, strict: true });
  if (values.help) return undefined;
  const { once = false, mirror, json = false } = values;
  if (mirror !== undefined && !(URL.canParse(mirror) && /^https?:$/.test(new URL(mirror).protocol))) {
    throw new TypeError(`--mirror expects http://… or https://…, not ${JSON.stringify(mirror)}`);
  }
  return { once, mirror, json };
}
