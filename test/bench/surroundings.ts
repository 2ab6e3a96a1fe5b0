import { execFileSync } from 'node:child_process';
import { cpus, release, totalmem } from 'node:os';
import { fileURLToPath } from 'node:url';

import { connect } from 'amqplib';
import { MongoClient } from 'mongodb';

import { eachAddress } from '../../src/core/address-list.js';
import type { TestServers } from '../support/servers.js';
import type { MongoKind } from './targets.js';

/** On what it was measured: figures mean nothing without it. */
export interface Surroundings {
  /** Day. */
  date: string;
  /** Short id of the commit, with `+` when files had been changed since. */
  commit: string;
  machine: string;
  mongo: MongoKind;
  versions: { node: string; mongodb: string; rabbitmq: string };
}

export async function look({ mongoUrl, amqpUrl }: TestServers): Promise<Surroundings> {
  const client = await MongoClient.connect(mongoUrl, { serverSelectionTimeoutMS: 5_000 });
  const { version, buildEnvironment } = await client.db('admin').command({ buildInfo: 1 });
  await client.close();
  const model = await connect(eachAddress(amqpUrl)[0] ?? amqpUrl);
  const { serverProperties } = model.connection;
  await model.close();
  return {
    date: new Date().toISOString().slice(0, 10),
    commit: commit(),
    machine: `${cpus().length} × ${cpus()[0]?.model ?? 'unknown'}, ${Math.round(totalmem() / 2 ** 30)} GiB, Linux ${release()}`,
    mongo: kindOf((buildEnvironment as { target_arch?: string } | undefined)?.target_arch),
    versions: { node: process.versions.node, mongodb: String(version), rabbitmq: serverProperties.version },
  };
}

const ARCHITECTURES: Record<string, string> = { x64: 'x86_64', arm64: 'aarch64' };

/** Said by whoever started it; else a server built for another machine is emulated. */
function kindOf(builtFor: string | undefined): MongoKind {
  const said = process.env.INTERLOCK_TEST_MONGO_KIND;
  if (said === 'emulated' || said === 'native') return said;
  return builtFor === undefined || builtFor === ARCHITECTURES[process.arch] ? 'native' : 'emulated';
}

function commit(): string {
  const git = (...args: string[]): string =>
    execFileSync('git', args, { cwd: fileURLToPath(new URL('.', import.meta.url)), encoding: 'utf8' }).trim();
  try {
    return git('rev-parse', '--short', 'HEAD') + (git('status', '--porcelain', '--untracked-files=no') === '' ? '' : '+');
  } catch {
    return 'unknown'; // no checkout, or no git
  }
}
