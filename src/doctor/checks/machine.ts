import { span } from '../../core/span.js';
import { bytes, named, ofEvidence, ofMachine, type Check } from '../check.js';

/** Below these a sync, a log or a database soon fails. */
export const LEAST_FREE_BYTES = 512 * 1_048_576;
export const LEAST_FREE_SHARE = 0.02;
/** Time to have certificates signed anew. */
export const CERTIFICATE_DAYS = 30;
const DAY_MS = 86_400_000;

/** The settings of this folder and environment, and the machine on which the doctor runs. */
export const MACHINE_CHECKS: readonly Check[] = [
  ofEvidence(
    {
      name: 'configuration-invalid',
      severity: 'error',
      about: 'The settings of this folder and environment cannot be read, or contradict one another: no role starts with them.',
    },
    ({ configuration }) =>
      configuration.map(({ key, source, detail }) => ({
        evidence: `${key} (${source}): ${detail}`,
        remedy: 'Mend it there; `interlock config check` says when it is sound.',
      })),
  ),
  ofMachine(
    {
      name: 'open-bind',
      severity: 'error',
      about:
        'The API is to listen where other machines reach it, and there is no token: anybody could run tasks; or no TLS: anybody could read tokens.',
    },
    ({ publicHost, encrypted }, { database }) => {
      const tokens = database?.state === 'reached' ? database.tokens : undefined;
      if (publicHost === undefined) return [];
      if (encrypted === false) {
        const open = 'api.tls.certificateFile and api.tls.keyFile; or INTERLOCK_API_HOST=127.0.0.1 behind a proxy that ends TLS';
        return [{ evidence: `api.host is ${publicHost}, and there is no TLS.`, remedy: open }];
      }
      if (tokens !== 0) return [];
      const remedy =
        'interlock token create admin --role admin; or INTERLOCK_API_HOST=127.0.0.1 behind a proxy that asks for credentials';
      return [{ evidence: `api.host is ${publicHost}, and there are no tokens.`, remedy }];
    },
  ),
  ofMachine(
    {
      name: 'folder-not-writable',
      severity: 'error',
      about: 'The user who runs the doctor may not write to the folder of content or to that of workers.',
    },
    ({ folders }) =>
      folders.flatMap(({ key, path, refused }) =>
        refused === undefined
          ? []
          : [{ evidence: `${key} ${path}: ${refused}`, remedy: `chown its owner to the user of the roles, mode 700: ${path}` }],
      ),
  ),
  ofMachine(
    {
      name: 'disk-full',
      severity: 'error',
      about: 'The disk of content or of workers has less than 512 MiB or less than 2 % left.',
    },
    ({ folders }) =>
      folders.flatMap(({ key, path, freeBytes, totalBytes }) => {
        if (freeBytes === undefined || totalBytes === undefined || !isNearlyFull(freeBytes, totalBytes)) return [];
        const evidence = `${key} ${path}: ${bytes(freeBytes)} of ${bytes(totalBytes)} are free.`;
        return [{ evidence, remedy: `Make room there (du -x --max-depth 2 ${path}), or move it with its setting.` }];
      }),
  ),
  ofMachine(
    {
      name: 'certificate-expiring',
      severity: 'error',
      about: 'A certificate that the settings name has ended, or ends within 30 days.',
    },
    ({ certificates, now }) =>
      certificates.flatMap(({ key, path, subjects }) =>
        subjects.flatMap(({ subject, validTo }) => {
          const leftMs = validTo.getTime() - now.getTime();
          if (leftMs > CERTIFICATE_DAYS * DAY_MS) return [];
          const when = leftMs < 0 ? `has ended ${span(-leftMs)} ago` : `ends in ${span(leftMs)}`;
          const evidence = `${key} ${path}: the certificate of ${subject} ${when} (${validTo.toISOString()}).`;
          return [{ evidence, remedy: `Put a new one there, then start the roles again, one after the other: ${path}` }];
        }),
      ),
  ),
  ofMachine(
    {
      name: 'certificate-unusable',
      severity: 'error',
      about: 'A file that the settings name for TLS holds no certificate, or its key belongs to another one.',
    },
    ({ certificates }) =>
      certificates.flatMap(({ key, path, problem }) =>
        problem === undefined
          ? []
          : [{ evidence: `${key} ${path}: ${problem}`, remedy: 'Name the right file there: interlock config show --sources' }],
      ),
  ),
  ofEvidence(
    {
      name: 'orphaned-children',
      severity: 'error',
      about: 'Task code of a worker that is gone still runs on this machine.',
    },
    ({ machine, records }) => {
      if (!machine || !records) return undefined;
      const alive = new Set(records.processes.filter(each => each.state === 'live' && !each.gone).map(({ name }) => name));
      return machine.children
        .filter(({ worker }) => !alive.has(worker))
        .map(({ worker, pids }) => ({
          evidence: `The worker ${worker} is gone; of its children these still run: pid ${named(pids.map(String))}.`,
          remedy: `interlock worker -n '${worker}' (it ends them before it serves), or: kill -KILL ${pids.slice(0, 20).join(' ')}`,
        }));
    },
  ),
];

export function isNearlyFull(freeBytes: number, totalBytes: number): boolean {
  return freeBytes < LEAST_FREE_BYTES || freeBytes < totalBytes * LEAST_FREE_SHARE;
}
