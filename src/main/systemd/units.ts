import { execFile, execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, readdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

import { systemctl } from './systemctl.js';
import { writeChanged } from './write-changed.js';

const PACKAGE_FOLDER = new URL('../../../systemd/', import.meta.url);
const USERS = 'interlock.sysusers.conf';
const COMMAND = '/usr/bin/env interlock';
/** Since this version systemd waits longer from restart to restart. */
const BACKS_OFF = 254;

export interface UnitOptions {
  /** How the units call the command line. */
  command?: string;
  /** The user whose processes the roles are. */
  user?: string;
  /** Version of the systemd that will read them. */
  version?: number;
}

/** What systemd is given, by path below its folder. */
export function unitFiles({ command = COMMAND, user = 'interlock', version = 0 }: UnitOptions = {}): Map<string, string> {
  const names = readdirSync(PACKAGE_FOLDER, { recursive: true, encoding: 'utf8' });
  const files = names.filter(name => /\.(service|target|conf)$/.test(name) && name !== USERS).sort();
  return new Map(
    files.map(name => {
      const text = readFileSync(new URL(name, PACKAGE_FOLDER), 'utf8');
      const own = text.replaceAll(COMMAND, command).replace(/^User=interlock$/m, `User=${user}`);
      return [
        name,
        version >= BACKS_OFF ? own.replace(/^RestartSec=2$/m, 'RestartSec=2\nRestartSteps=5\nRestartMaxDelaySec=60') : own,
      ];
    }),
  );
}

export interface InstallOptions extends UnitOptions {
  /** Where systemd looks for units. */
  directory: string;
  /** INTERLOCK_CONFIG_DIR of the units; the environment file is in it. */
  settings: string;
}

export interface Installed {
  /** Files that were not there, or said something else. */
  written: string[];
  unchanged: number;
  environmentFile: string;
}

/**
 * Puts the units where systemd finds them, and an environment file to fill in where there is none; what is there already and says the same is left alone. Throws
 * what the system says, as EACCES.
 */
export async function installUnits({ directory, settings, ...options }: InstallOptions): Promise<Installed> {
  const environmentFile = join(settings, 'interlock.env');
  const user = options.user ?? 'interlock';
  const version = options.version ?? (await systemdVersion());
  if (user === 'interlock') await makeUser();
  const files = unitFiles({ ...options, version });
  const written = [...files].flatMap(([name, text]) => {
    const path = join(directory, name);
    return writeChanged(path, text.replaceAll('/etc/interlock', settings)) ? [path] : [];
  });
  if (makeSettings(environmentFile, user)) written.push(environmentFile);
  if (written.length > 0) await systemctl('daemon-reload');
  return { written, unchanged: files.size + 1 - written.length, environmentFile };
}

/** 0, where none answers: then nothing is used that only newer ones know. */
async function systemdVersion(): Promise<number> {
  const { stdout } = await systemctl('--version');
  return Number(/^systemd (\d+)/.exec(stdout)?.[1] ?? 0);
}

async function makeUser(): Promise<void> {
  await promisify(execFile)('systemd-sysusers', [fileURLToPath(new URL(USERS, PACKAGE_FOLDER))], { timeout: 30_000 });
}

/** Passwords stand in it: systemd reads it as root, and nobody else has to. The folder is for the roles to read. */
function makeSettings(path: string, user: string): boolean {
  if (existsSync(path)) return false;
  const folder = dirname(path);
  mkdirSync(folder, { recursive: true, mode: 0o750 });
  writeFileSync(path, ENVIRONMENT, { mode: 0o600, flag: 'wx' });
  execFileSync('chgrp', [user, folder], { timeout: 10_000 });
  return true;
}

const ENVIRONMENT = `# Settings of all roles of Interlock on this machine; every option has a variable: \`interlock config show --sources\`.
# INTERLOCK_MONGO_URL=mongodb://127.0.0.1:27017/interlock?replicaSet=rs0
# INTERLOCK_AMQP_URL=amqp://interlock:password@127.0.0.1:5672/interlock
# INTERLOCK_TASK_MODULES=/srv/interlock/tasks.mjs
# Worker processes; one for each CPU unless given.
# INTERLOCK_WORKERS=4
`;
