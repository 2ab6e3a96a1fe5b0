import type { Timing } from '../core/timing.js';
import { address, flag, integer, list, oneOf, text, type Option } from './option.js';
import { amqpAddressProblem, mongoAddressProblem } from './server-address.js';
import { TIMING } from './timing-options.js';

const DAY_MS = 86_400_000;
const ENV_PREFIX = 'INTERLOCK';

function file(env: string, about: string): Option<string | null> {
  return text<string | null>({ env: `${ENV_PREFIX}_${env}`, about, default: null, expected: 'the path of a file' });
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
    tls: {
      caFile: file('MONGO_TLS_CA_FILE', 'Certificates (PEM) of the authorities that vouch for MongoDB; turns TLS on.'),
      certificateFile: file('MONGO_TLS_CERTIFICATE_FILE', 'Client certificate (PEM) shown to MongoDB.'),
      keyFile: file('MONGO_TLS_KEY_FILE', 'Key (PEM) of that certificate.'),
    },
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
    tls: {
      caFile: file('AMQP_TLS_CA_FILE', 'Certificates (PEM) of the authorities that vouch for RabbitMQ.'),
      certificateFile: file('AMQP_TLS_CERTIFICATE_FILE', 'Client certificate (PEM) shown to RabbitMQ.'),
      keyFile: file('AMQP_TLS_KEY_FILE', 'Key (PEM) of that certificate.'),
    },
  },
  api: {
    host: text({
      env: 'INTERLOCK_API_HOST',
      about: 'Address that the API listens on; any other than a loopback address needs tokens.',
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
  worker: {
    pool: oneOf({
      env: 'INTERLOCK_WORKER_POOL',
      about:
        '`prefork`: each task in a child process of its own, that is killed with it; `async`: all tasks of a worker in one child process, for trusted ' +
        'code that waits more than it computes.',
      of: ['prefork', 'async'],
      default: 'prefork',
    }),
    concurrency: integer({
      env: 'INTERLOCK_WORKER_CONCURRENCY',
      about: 'Tasks that a worker runs at a time (at most 512 with `prefork`); unset: as many as the machine has CPUs.',
      default: null,
      min: 1,
      max: 2_000,
    }),
    queues: list({
      env: 'INTERLOCK_WORKER_QUEUES',
      about: 'Queues that a worker takes tasks from.',
      default: ['default'],
      item: /^[A-Za-z0-9_.-]{1,64}$/,
      expected: 'queue names (1 to 64 letters, digits, _ . -)',
    }),
    recycleAfterTasks: integer({
      env: 'INTERLOCK_WORKER_RECYCLE_AFTER_TASKS',
      about: 'A child process is replaced after this many tasks (`async`: for each that it may run at a time); 0 never.',
      default: 1_000,
      min: 0,
      max: 1_000_000,
    }),
    childMemoryMiB: integer({
      env: 'INTERLOCK_WORKER_CHILD_MEMORY_MIB',
      about:
        'A child process is killed above this much resident memory (MiB); with `async` it is replaced, and killed at a quarter more.',
      default: 1_024,
      min: 64,
      max: 1_048_576,
    }),
    graceMs: integer({
      env: 'INTERLOCK_WORKER_GRACE_MS',
      about: 'How long a cancelled body has to react to its AbortSignal before SIGTERM (`async`: before `killMs` begins).',
      default: 5_000,
      min: 0,
      max: DAY_MS,
    }),
    killMs: integer({
      env: 'INTERLOCK_WORKER_KILL_MS',
      about: 'How long its process group then has until SIGKILL (`async`: until `retireMs` begins).',
      default: 2_000,
      min: 0,
      max: DAY_MS,
    }),
    retireMs: integer({
      env: 'INTERLOCK_WORKER_RETIRE_MS',
      about: '`async`: how long the other tasks of a child process may go on that is killed because of one of them.',
      default: 10_000,
      min: 0,
      max: DAY_MS,
    }),
    shutdownGraceMs: integer({
      env: 'INTERLOCK_WORKER_SHUTDOWN_GRACE_MS',
      about: 'How long a worker that was asked to end lets its running tasks finish before it cancels them.',
      default: 10_000,
      min: 0,
      max: DAY_MS,
    }),
    timeLimitSeconds: integer({
      env: 'INTERLOCK_WORKER_TIME_LIMIT_SECONDS',
      about: 'A body is killed after this long where neither the task nor its type gives a `timeLimit` (a day); 0: never.',
      default: 86_400,
      min: 0,
      max: 31_536_000,
    }),
    resultLimitBytes: integer({
      env: 'INTERLOCK_WORKER_RESULT_LIMIT_BYTES',
      about: 'A larger result (as JSON) fails its task with RESULT_TOO_LARGE.',
      default: 1_048_576,
      min: 1_024,
      max: 8_388_608,
    }),
  },
  workers: {
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
  file: {
    allowPrivateOrigins: flag({
      env: 'INTERLOCK_FILE_ALLOW_PRIVATE_ORIGINS',
      about: 'Whether the file plugin may mirror from loopback and private addresses.',
      default: true,
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
    env: 'INTERLOCK_SERVERS_CACHE',
    default: '.interlock/servers',
    about: 'Where the embedded servers of `npm start` and `interlock dev` are kept.',
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
