import { randomBytes } from 'node:crypto';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { holderOf, tryLock, type Release } from './processes/lock.js';
import { freePorts, isFree } from './processes/ports.js';
import type { RunFolder } from './processes/run-folder.js';
import { SetupError } from './setup-error.js';

/** Where the servers' data lies, and what must stay the same for it to be used again: RabbitMQ's user and all ports. */
export interface DataFolder {
  path: string;
  /** Outlives the servers; else it goes with the run folder. */
  kept: boolean;
  ports: { mongo: number; amqp: number; distribution: number; epmd: number };
  user: string;
  password: string;
  release: Release;
}

const FILE = 'servers.json';

/**
 * Takes the folder to keep data in, when one is named and nobody else has it, else a fresh one inside the run folder.
 * @throws SetupError `busy` when a port that kept data is bound to is taken
 */
export async function claimData(named: string | undefined, run: RunFolder, report: (line: string) => void): Promise<DataFolder> {
  if (named === undefined) return fresh(run);
  mkdirSync(named, { recursive: true });
  const release = tryLock(join(named, 'owner.lock'));
  if (!release) {
    report(
      `${named} is in use by process ${holderOf(join(named, 'owner.lock'))?.pid ?? '?'}: these servers start with empty data of their own`,
    );
    return fresh(run);
  }
  try {
    const settings = readSettings(named) ?? (await newSettings());
    writeFileSync(join(named, FILE), JSON.stringify(settings), { mode: 0o600 });
    await demandFree(settings.ports, named);
    return { ...settings, path: named, kept: true, release };
  } catch (error) {
    release();
    throw error;
  }
}

type Settings = Pick<DataFolder, 'ports' | 'user' | 'password'>;

async function fresh(run: RunFolder): Promise<DataFolder> {
  const path = join(run.path, 'data');
  mkdirSync(path, { recursive: true });
  return { ...(await newSettings()), path, kept: false, release: () => undefined };
}

async function newSettings(): Promise<Settings> {
  const [mongo = 0, amqp = 0, distribution = 0, epmd = 0] = await freePorts(4);
  return { ports: { mongo, amqp, distribution, epmd }, user: 'interlock', password: randomBytes(16).toString('hex') };
}

function readSettings(folder: string): Settings | undefined {
  try {
    return JSON.parse(readFileSync(join(folder, FILE), 'utf8')) as Settings;
  } catch {
    return undefined; // never used, or its first use was interrupted
  }
}

/** A replica set's name for its member is its port, so kept data cannot move to another one. */
async function demandFree(ports: DataFolder['ports'], folder: string): Promise<void> {
  for (const port of Object.values(ports)) {
    if (await isFree(port)) continue;
    throw new SetupError('busy', `Port ${port}, which the data in ${folder} is bound to, is taken by another program`, {
      ways: ['End that program', 'Name another data folder'],
    });
  }
}
