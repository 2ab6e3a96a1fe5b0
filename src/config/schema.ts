import { MIN_RETENTION_SECONDS } from '../core/retention.js';
import type { Timing } from '../core/timing.js';
import { LIMITS } from './limit-options.js';
import { address, flag, integer, integerOrZero, list, oneOf, text, type Option } from './option.js';
import { amqpAddressProblem, mongoAddressProblem } from './server-address.js';
import { API_TLS, serverTls } from './tls-options.js';
import { TIMING } from './timing-options.js';
import { WORKER } from './worker-options.js';

const DAY_SECONDS = 86_400;

/** What is kept for less than an hour may be forgotten while somebody still has to do with it. */
function kept(env: string, fallback: number, about: string): Option<number> {
  return integerOrZero({
    env: `INTERLOCK_RETENTION_${env}_SECONDS`,
    about,
    default: fallback,
    min: MIN_RETENTION_SECONDS,
    max: 3_650 * DAY_SECONDS,
  });
}

/**
 * Every option of every process. The units stand in the names; `config/default.json` holds these defaults,
 * `config/custom-environment-variables.json` these names, and docs/configuration.md these sentences: tests compare them.
 */
export const OPTIONS = {
  mongo: {
    url: address({
      env: 'INTERLOCK_MONGO_URL',
      about: 'MongoDB, a replica set (one member is enough); the database is `interlock` unless the address names one.',
      expected: 'the address of a MongoDB replica set',
      check: mongoAddressProblem,
    }),
    tls: serverTls('MONGO', 'MongoDB', '; turns TLS on'),
  },
  amqp: {
    url: address({
      env: 'INTERLOCK_AMQP_URL',
      about: 'RabbitMQ; its vhost is part of the address, the nodes of a cluster are separated by commas. `amqps://` for TLS.',
      expected: 'the address of a RabbitMQ server',
      check: amqpAddressProblem,
    }),
    prefix: text({
      env: 'INTERLOCK_AMQP_PREFIX',
      about: 'Stands before the name of every queue and exchange, so that deployments can share a vhost.',
      default: '',
      pattern: /^[A-Za-z0-9_.-]{0,40}$/,
      expected: 'at most 40 letters, digits, _ . -',
    }),
    tls: serverTls('AMQP', 'RabbitMQ', ''),
  },
  api: {
    host: text({
      env: 'INTERLOCK_API_HOST',
      about: 'Address that the API listens on; any other than a loopback address needs a token to be there, and TLS.',
      default: '127.0.0.1',
      pattern: /^[A-Za-z0-9_.:-]{1,253}$/,
      expected: 'a host name or an IP address',
    }),
    port: integer({
      env: 'INTERLOCK_API_PORT',
      about: 'Port that the API listens on; 0 takes any free one.',
      default: 8787,
      min: 0,
      max: 65_535,
    }),
    requireTokens: oneOf({
      env: 'INTERLOCK_API_REQUIRE_TOKENS',
      about:
        '`auto`: every request needs a token as soon as there is one, or when the API listens on another than a loopback address; `always`: also before that.',
      of: ['auto', 'always'],
      default: 'auto',
    }),
    allowedHosts: list({
      env: 'INTERLOCK_API_ALLOWED_HOSTS',
      about:
        'Names, without ports, by which clients call the API besides `localhost`, IP addresses and `api.host`. On a loopback address any other one is refused, so that ' +
        'no page of the web can reach it under a name of its own; elsewhere only where this is set.',
      default: [],
      item: /^[A-Za-z0-9_.-]{1,253}$/,
      expected: 'host names',
    }),
    behindTlsProxy: flag({
      env: 'INTERLOCK_API_BEHIND_TLS_PROXY',
      about:
        'Something in front of the API ends TLS, and nobody reaches the API but through it: only then may it speak plain HTTP on another than a loopback address.',
      default: false,
    }),
    maxConnections: integer({
      env: 'INTERLOCK_API_MAX_CONNECTIONS',
      about:
        'Connections that the API holds at a time; one more is closed at once. Streams of events and waits for tasks hold one each.',
      default: 2_000,
      min: 16,
      max: 100_000,
    }),
    limits: LIMITS,
    tls: API_TLS,
  },
  tls: {
    rereadSeconds: integer({
      env: 'INTERLOCK_TLS_REREAD_SECONDS',
      about:
        'Certificates, keys and revocation lists are read anew this often, and with SIGHUP; what cannot be used is told to the log, and what was read before stays in force.',
      default: 60,
      min: 1,
      max: DAY_SECONDS,
    }),
  },
  metrics: {
    host: text({
      env: 'INTERLOCK_METRICS_HOST',
      about:
        'Address of `metrics.port`. There is no token: whoever reaches it reads names of task types, and nothing else of tasks.',
      default: '127.0.0.1',
      pattern: /^[A-Za-z0-9_.:-]{1,253}$/,
      expected: 'a host name or an IP address',
    }),
    port: integer({
      env: 'INTERLOCK_METRICS_PORT',
      about:
        'Port on which a worker, resource manager or beat serves `/metrics` of its own process, a port for each; 0: none. The API has its own.',
      default: 0,
      min: 0,
      max: 65_535,
    }),
  },
  taskModules: list({
    env: 'INTERLOCK_TASK_MODULES',
    about: 'Modules whose exported functions are tasks (`.ts`, `.mjs`, `.js`, or packages), beside the file plugin.',
    default: [],
    item: /\S/,
    expected: 'paths or packages',
  }),
  dataDirectory: text({
    env: 'INTERLOCK_DATA_DIRECTORY',
    about: 'Folder of published content.',
    default: '.interlock/data',
    expected: 'the path of a folder',
  }),
  workingDirectory: text({
    env: 'INTERLOCK_WORKING_DIRECTORY',
    about: 'Folder in which every worker has its own, and every running task one inside that.',
    default: '.interlock/work',
    expected: 'the path of a folder',
  }),
  childEnvironment: list({
    env: 'INTERLOCK_CHILD_ENVIRONMENT',
    about: 'Names of variables that task code sees beside PATH, HOME, LANG, TZ and TMPDIR.',
    default: [],
    item: /^[A-Za-z_][A-Za-z0-9_]*$/,
    expected: 'names of environment variables',
  }),
  assignment: oneOf({
    env: 'INTERLOCK_ASSIGNMENT',
    about: '`late`: any worker of the queue starts a granted task; `eager`: the resource manager binds it to one live worker.',
    of: ['late', 'eager'],
    default: 'late',
  }),
  worker: WORKER,
  workers: {
    count: integer({
      env: 'INTERLOCK_WORKERS',
      about: 'Worker processes that `interlock manage-workers` starts on this machine; unset: one for each CPU.',
      default: null,
      min: 1,
      max: 512,
    }),
    onMissing: oneOf({
      env: 'INTERLOCK_WORKERS_ON_MISSING',
      about:
        '`reassign`: what was bound to a worker that is missing and had not started goes to another one; `cancelAssigned` (needs `assignment` ' +
        '`eager`): it is canceled with that worker, unless its type is queued again after a loss.',
      of: ['reassign', 'cancelAssigned'],
      default: 'reassign',
    }),
    missingRetentionSeconds: integer({
      env: 'INTERLOCK_WORKERS_MISSING_RETENTION_SECONDS',
      about: 'How long processes of every role that are missing or stopped stay visible (7 days).',
      default: 604_800,
      min: 1,
      max: 31_536_000,
    }),
  },
  retention: {
    completedSeconds: kept(
      'COMPLETED',
      7 * DAY_SECONDS,
      'How long completed tasks are kept after their end (7 days); 0: for ever.',
    ),
    failedSeconds: kept('FAILED', 30 * DAY_SECONDS, 'How long failed tasks are kept (30 days); 0: for ever.'),
    canceledSeconds: kept('CANCELED', 7 * DAY_SECONDS, 'How long canceled tasks are kept (7 days); 0: for ever.'),
    skippedSeconds: kept('SKIPPED', 7 * DAY_SECONDS, 'How long skipped tasks are kept (7 days); 0: for ever.'),
    auditSeconds: kept('AUDIT', 365 * DAY_SECONDS, 'How long the audit trail is kept (365 days); 0: for ever.'),
    resultsSeconds: kept('RESULTS', 0, 'How long the results of completed tasks are kept; 0: as long as the task.'),
  },
  file: {
    allowPrivateOrigins: flag({
      env: 'INTERLOCK_FILE_ALLOW_PRIVATE_ORIGINS',
      about: 'Whether the file plugin may mirror from loopback and private addresses.',
      default: true,
    }),
  },
  backup: {
    include: list({
      env: 'INTERLOCK_BACKUP_INCLUDE',
      about:
        'Files and folders that a backup takes besides the settings, certificates, content and working folder: the configuration of a reverse proxy and of ' +
        'the servers, task modules.',
      default: [],
      item: /^\/\P{Cc}{1,4095}$/u,
      expected: 'absolute paths of files and folders',
    }),
  },
  log: {
    level: oneOf({
      env: 'INTERLOCK_LOG_LEVEL',
      about: 'The least important lines that are written.',
      of: ['fatal', 'error', 'warn', 'info', 'debug', 'trace'],
      default: 'info',
    }),
    format: oneOf({
      env: 'INTERLOCK_LOG_FORMAT',
      about: '`json` one object a line, `pretty` for people, `auto`: pretty on a terminal.',
      of: ['auto', 'json', 'pretty'],
      default: 'auto',
    }),
  },
  timing: TIMING,
} as const;

export interface Group {
  readonly [key: string]: Option<unknown> | Group;
}

type ValuesOf<T> = T extends Option<infer V> ? V : { readonly [K in keyof T]: ValuesOf<T[K]> };

/** What files and variables say: as written, before anything is derived. */
export type Settings = ValuesOf<typeof OPTIONS>;

/** What the processes run with. Folders are absolute; `timing` is complete, consistent and scaled. */
export type Config = Omit<Settings, 'timing'> & { readonly timing: Timing };

/** Read from the environment alone, because no file can be read before them, or by clients that have no files. */
export const ENVIRONMENT_ONLY = [
  { env: 'INTERLOCK_CONFIG_DIR', default: './config', about: "Folder of your own settings, read over the package's defaults." },
  { env: 'INTERLOCK_URL', default: 'http://127.0.0.1:8787', about: 'Where the API is, for clients and the command line.' },
  { env: 'INTERLOCK_TOKEN', default: 'none', about: 'Bearer token of clients and the command line.' },
  {
    env: 'INTERLOCK_CA_FILE',
    default: "Node's authorities",
    about: 'Certificates (PEM) of the authority of an API with https, for clients and the command line.',
  },
  {
    env: 'INTERLOCK_CLIENT_CERTIFICATE_FILE',
    default: 'none',
    about: 'Certificate (PEM) that clients and the command line show to an API with `api.tls.clientCaFile`.',
  },
  { env: 'INTERLOCK_CLIENT_KEY_FILE', default: 'in the same file', about: 'Key (PEM) of that certificate.' },
  {
    env: 'INTERLOCK_PROFILE',
    default: 'none',
    about: 'Deployment that the command line talks to, by the name that `interlock profile add` gave it.',
  },
  {
    env: 'INTERLOCK_SERVERS_CACHE',
    default: '.interlock/servers',
    about: 'Where the embedded servers of `npm start` and `interlock dev` are kept.',
  },
  {
    env: 'INTERLOCK_SERVERS_RABBITMQ_SUITE',
    default: "the machine's own",
    about: 'Debian suite whose RabbitMQ the embedded one is, as `trixie`; for tests.',
  },
] as const;

export function isOption(entry: Option<unknown> | Group): entry is Option<unknown> {
  return entry.kind === 'option';
}

/** Every option with its key, as `worker.graceMs`, in the order of the table. */
export function allOptions(group: Group = OPTIONS, prefix = ''): { key: string; option: Option<unknown> }[] {
  return Object.entries(group).flatMap(([name, entry]) =>
    isOption(entry) ? [{ key: prefix + name, option: entry }] : allOptions(entry, `${prefix}${name}.`),
  );
}
