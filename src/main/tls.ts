import { ConfigError, type Problem } from '../config/config-error.js';
import type { Config } from '../config/schema.js';
import { system } from '../process/system.js';
import { LiveTls } from '../process/tls/live-tls.js';
import { UnsoundTls, type TlsFiles } from '../process/tls/material.js';

/** What is shown to the servers and asked of them; undefined: nothing is named, so the address decides, with the authorities of Node. */
export interface ServerTls {
  mongo: LiveTls | undefined;
  amqp: LiveTls | undefined;
}

const read = new WeakMap<Config, ServerTls>();

/** Read once for all connections of a process. Throws ConfigError with all that is wrong. */
export function serverTls(config: Config): ServerTls {
  const known = read.get(config);
  if (known) return known;
  const { mongo, amqp } = config;
  const judged = { mongo: judge('mongo', mongo.tls), amqp: judge('amqp', amqp.tls) };
  const problems = [...judged.mongo.problems, ...judged.amqp.problems];
  if (problems.length > 0) throw new ConfigError(problems);
  const made = { mongo: judged.mongo.live, amqp: judged.amqp.live };
  read.set(config, made);
  return made;
}

/** What the API shows; undefined: it speaks HTTP. Throws ConfigError. */
export function apiTls({ api }: Config): LiveTls | undefined {
  const { live, problems } = judgeApi(api.tls);
  if (problems.length > 0) throw new ConfigError(problems);
  return live;
}

/** All that is wrong with the certificates that the settings name, for who only looks. */
export function tlsProblems({ mongo, amqp, api }: Config): Problem[] {
  return [judge('mongo', mongo.tls), judge('amqp', amqp.tls), judgeApi(api.tls)].flatMap(({ problems }) => problems);
}

interface Judged {
  /** Undefined where nothing is named, or something is wrong. */
  live: LiveTls | undefined;
  problems: Problem[];
}

function judgeApi(files: Config['api']['tls']): Judged {
  const { certificateFile, ...others } = files;
  const alone = Object.entries(others).find(([, path]) => path !== null);
  if (certificateFile === null && alone) {
    const detail = 'expected api.tls.certificateFile beside it: without one the API speaks plain HTTP';
    return { live: undefined, problems: [{ key: `api.tls.${alone[0]}`, source: alone[1] ?? '', detail }] };
  }
  const { clientCaFile, ...own } = files;
  const { live, problems } = judge('api', { ...own, caFile: clientCaFile });
  const renamed = problems.map(problem => ({
    ...problem,
    key: problem.key.replace('.caFile', '.clientCaFile'),
    detail: problem.detail.replaceAll('caFile', 'clientCaFile'),
  }));
  return { live, problems: renamed };
}

/** Files are read once: what is found sound is what is used. */
function judge(name: string, files: TlsFiles): Judged {
  try {
    return { live: isNamed(files) ? new LiveTls(name, files, system.clock.wall()) : undefined, problems: [] };
  } catch (error) {
    if (!(error instanceof UnsoundTls)) throw error;
    const problems = error.problems.map(({ part, path, detail }) => ({ key: `${name}.tls.${part}`, source: path, detail }));
    return { live: undefined, problems };
  }
}

function isNamed(files: TlsFiles): boolean {
  return Object.values(files).some(path => path !== null);
}
