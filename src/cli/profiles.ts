import { chmodSync, mkdirSync, readFileSync, renameSync, statSync, writeFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { dirname, join } from 'node:path';

import { UsageError } from './exit-codes.js';

/** One deployment, as a user of it has noted it. */
export interface Profile {
  url: string;
  token?: string;
  /** Absolute paths: of the authority of an https address, and of what is shown to it. */
  caFile?: string;
  certificateFile?: string;
  keyFile?: string;
}

export interface Profiles {
  /** Used where nothing else is named. */
  current?: string;
  profiles: Record<string, Profile>;
}

const NAME = /^[A-Za-z0-9_.-]{1,64}$/;

/** `$XDG_CONFIG_HOME/interlock/profiles.json`, else below `~/.config`. */
export function profilesFile(env: NodeJS.ProcessEnv = process.env): string {
  const base = env.XDG_CONFIG_HOME;
  return join(base?.startsWith('/') ? base : join(homedir(), '.config'), 'interlock', 'profiles.json');
}

/** Empty where there is no such file. Throws UsageError for one that others can read, or that holds something else. */
export function readProfiles(file = profilesFile()): Profiles {
  let text: string;
  try {
    const mode = statSync(file).mode & 0o777;
    if ((mode & 0o077) !== 0)
      throw new UsageError(
        `${file} holds tokens, but others may use it (mode ${mode.toString(8)}): expected 600. Run: chmod 600 ${file}`,
      );
    text = readFileSync(file, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return { profiles: {} };
    if (error instanceof UsageError) throw error;
    throw new UsageError(`${file} cannot be read: ${(error as Error).message}`);
  }
  return parsed(text, file);
}

/** In one step, for its owner alone. */
export function writeProfiles(profiles: Profiles, file = profilesFile()): void {
  mkdirSync(dirname(file), { recursive: true, mode: 0o700 });
  const draft = `${file}.${process.pid}`;
  writeFileSync(draft, `${JSON.stringify(profiles, undefined, 2)}\n`, { mode: 0o600 });
  chmodSync(draft, 0o600);
  renameSync(draft, file);
}

/** Throws UsageError for a name that nothing answers to. */
export function profileNamed(name: string, { profiles }: Profiles): Profile {
  const found = Object.hasOwn(profiles, name) ? profiles[name] : undefined;
  if (found) return found;
  const known = Object.keys(profiles);
  throw new UsageError(
    `there is no profile "${name}"; ${known.length > 0 ? `there are: ${known.join(', ')}` : 'make one with: interlock profile add NAME --url URL'}`,
  );
}

export function checkedName(name: string): string {
  if (NAME.test(name)) return name;
  throw new UsageError(`"${name}" is no name of a profile: expected 1 to 64 letters, digits, _ . -`);
}

function parsed(text: string, file: string): Profiles {
  try {
    const { current, profiles = {} } = JSON.parse(text) as Partial<Profiles>;
    const sound = Object.values(profiles).every(
      ({ url, ...rest }) => typeof url === 'string' && Object.values(rest).every(value => typeof value === 'string'),
    );
    if (sound && (current === undefined || typeof current === 'string'))
      return { ...(current !== undefined && { current }), profiles };
  } catch {
    // Told below, without the text: it holds tokens.
  }
  throw new UsageError(`${file} is damaged: expected {"profiles": {"NAME": {"url": "http://…", "token": "…"}}}`);
}
