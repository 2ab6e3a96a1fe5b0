import { createPrivateKey, X509Certificate } from 'node:crypto';
import { accessSync, constants, existsSync, readdirSync, readFileSync, statfsSync } from 'node:fs';
import { dirname, join } from 'node:path';

import type { Config } from '../../config/schema.js';
import { isLoopback } from '../../core/loopback.js';
import type { MachineEvidence, SeenCertificate, SeenFolder } from '../../doctor/evidence.js';
import { leftoversOf } from '../../worker/children/children-ledger.js';

/** What the settings name on this machine. */
export function lookAtMachine(config: Config, now: Date): MachineEvidence {
  return {
    now,
    ...(!isLoopback(config.api.host) && { publicHost: config.api.host, encrypted: isEncrypted(config) }),
    folders: (['dataDirectory', 'workingDirectory'] as const).map(key => folder(key, config[key])),
    certificates: certificates(config),
    children: children(config.workingDirectory),
  };
}

function isEncrypted({ api }: Config): boolean {
  return api.tls.certificateFile !== null || api.behindTlsProxy;
}

/** One that is not there yet is made by the first role, in the nearest folder above it that is. */
function folder(key: string, path: string): SeenFolder {
  let there = path;
  while (!existsSync(there) && dirname(there) !== there) there = dirname(there);
  try {
    accessSync(there, constants.W_OK | constants.X_OK);
    const { bavail, blocks, bsize } = statfsSync(there);
    return { key, path, freeBytes: bavail * bsize, totalBytes: blocks * bsize };
  } catch (error) {
    return { key, path, refused: (error as Error).message };
  }
}

function certificates({ mongo, amqp, api }: Config): SeenCertificate[] {
  return Object.entries({ mongo, amqp, api }).flatMap(([part, { tls }]) => {
    const { certificateFile, keyFile } = tls;
    const [caKey, caFile] = 'clientCaFile' in tls ? ['clientCaFile', tls.clientCaFile] : ['caFile', tls.caFile];
    return [
      ...(caFile === null ? [] : [certificate(`${part}.tls.${caKey}`, caFile)]),
      ...(certificateFile === null ? [] : [certificate(`${part}.tls.certificateFile`, certificateFile, keyFile)]),
    ];
  });
}

function certificate(key: string, path: string, keyFile?: string | null): SeenCertificate {
  try {
    const text = readFileSync(path, 'utf8');
    const found = (text.match(/-----BEGIN CERTIFICATE-----[^]+?-----END CERTIFICATE-----/g) ?? []).map(
      pem => new X509Certificate(pem),
    );
    const [own] = found;
    const subjects = found.map(each => ({ subject: subjectOf(each), validTo: new Date(each.validTo) }));
    const problem = own ? keyProblem(own, keyFile) : 'it holds no certificate';
    return { key, path, subjects, ...(problem !== undefined && { problem }) };
  } catch (error) {
    return { key, path, subjects: [], problem: (error as Error).message };
  }
}

/** One line. */
function subjectOf({ subject, serialNumber }: X509Certificate): string {
  return ((subject as string | undefined) ?? `serial number ${serialNumber}`).replaceAll('\n', ', ');
}

function keyProblem(own: X509Certificate, keyFile: string | null | undefined): string | undefined {
  if (keyFile === null || keyFile === undefined) return undefined;
  return own.checkPrivateKey(createPrivateKey(readFileSync(keyFile))) ? undefined : `the key in ${keyFile} is not its own`;
}

/** Of every worker that has a directory here. A folder that cannot be read is told by its own check. */
function children(root: string): MachineEvidence['children'] {
  return names(root)
    .map(worker => ({ worker, pids: pidsOf(join(root, worker)) }))
    .filter(({ pids }) => pids.length > 0);
}

function pidsOf(directory: string): number[] {
  try {
    return leftoversOf(directory).map(({ pid }) => pid);
  } catch {
    return []; // of another user, or gone meanwhile
  }
}

function names(root: string): string[] {
  try {
    return readdirSync(root, { withFileTypes: true }).flatMap(entry => (entry.isDirectory() ? [entry.name] : []));
  } catch {
    return [];
  }
}
