import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { RabbitBinary } from '../binaries/rabbit-binary.js';
import { run } from '../processes/command.js';
import { launch, logTail, type Keeper, type ServerProcess } from '../processes/server-process.js';
import { SetupError } from '../setup-error.js';
import { amqpGreeting } from './amqp-probe.js';
import { ownEpmd, type Epmd } from './epmd.js';
import { environment, writeSettings, type RabbitPlace } from './rabbit-settings.js';

const READY_MS = 120_000;
const GREETING_MS = 2_000;
const CTL_MS = 60_000;
const TERM_MS = 10_000;

/** A RabbitMQ node that listens on 127.0.0.1 only. */
export interface RabbitServer {
  readonly kind: RabbitBinary['kind'];
  readonly version: string;
  readonly nodename: string;
  readonly port: number;
  readonly url: string;
  /** Of the present process; another one after `start`. */
  readonly pid: number;
  /** How it ended, such as `SIGKILL`; undefined while it runs. */
  ended(): string | undefined;
  /** Runs `rabbitmqctl` against the node, at most 60 s, and gives its output. @throws SetupError `command-failed` */
  ctl(args: readonly string[]): Promise<string>;
  /** Starts it again on the same port and data; ready when it serves. @throws SetupError `server-failed` */
  start(): Promise<void>;
  /** TERM, and KILL after 10 s. */
  stop(): Promise<void>;
  /**
   * kill -9, as if the power had failed; gone when this settles. RabbitMQ 3.10 registers a new quorum queue on disk up to a second
   * late (4.0 too, 4.3 no more): a queue that was declared just before is there after the next start and never has a leader (measured: broken at
   * 0.6 s, whole at 1 s). Its consumers and publishers wait for ever, until it is deleted.
   */
  kill9(): Promise<void>;
  /** Stops and starts. */
  restart(): Promise<void>;
  /** Removes all queues, exchanges, messages and users; of a stopped node only. `start` gives an empty one with the same URL. */
  wipe(): void;
  /** Such as SIGSTOP and SIGCONT. */
  signal(signal: NodeJS.Signals): void;
}

/**
 * The node's epmd ends with it, unless one is given that several nodes share.
 * @throws SetupError `server-failed` with the end of the log
 */
export async function startRabbit(
  binary: RabbitBinary,
  place: RabbitPlace,
  keeper: Keeper,
  epmd: Epmd = ownEpmd(binary, place, keeper),
): Promise<RabbitServer> {
  const env = environment(binary, place);
  writeSettings(place);
  let node: ServerProcess | undefined;
  let version = '';
  const start = async () => {
    if (node?.ended() === undefined && node) throw new Error('rabbitmq-server is running already');
    await epmd.start();
    const command = ['./rabbitmq-server'];
    node = launch({ name: 'rabbitmq', command, env, cwd: binary.scripts, logFile: place.logFile }, keeper);
    version = await serving(node, place);
    node.tellUnexpectedEnd(keeper.tell);
  };
  const end = async (graceMs: number) => {
    await node?.end(graceMs);
    await epmd.end();
  };
  await start().catch(async (error: unknown) => {
    await end(0);
    throw error;
  });
  const present = () => node as unknown as ServerProcess;
  return {
    kind: binary.kind,
    version,
    nodename: place.nodename,
    port: place.ports.amqp,
    url: `amqp://${place.user}:${place.password}@127.0.0.1:${place.ports.amqp}`,
    get pid() {
      return present().identity.pid;
    },
    ended: () => present().ended(),
    ctl: args => run('./rabbitmqctl', ['-n', place.nodename, '-l', ...args], { cwd: binary.scripts, env, timeoutMs: CTL_MS }),
    start,
    stop: () => end(TERM_MS),
    kill9: () => end(0),
    restart: async () => {
      await end(TERM_MS);
      await start();
    },
    wipe: () => {
      if (present().ended() === undefined) throw new Error('Only a stopped node can be wiped');
      rmSync(join(place.folder, 'data'), { recursive: true, force: true });
    },
    signal: signal => present().signal(signal),
  };
}

/** Waits until the node answers a client; gives its version. */
async function serving(node: ServerProcess, place: RabbitPlace): Promise<string> {
  const deadline = Date.now() + READY_MS;
  let last = '';
  while (Date.now() < deadline) {
    const end = node.ended();
    if (end !== undefined) throw failed(`RabbitMQ ended (${end}) instead of starting`, place);
    try {
      return await amqpGreeting(place.ports.amqp, GREETING_MS);
    } catch (error) {
      last = error instanceof Error ? error.message : String(error);
    }
    await sleep(50);
  }
  throw failed(`RabbitMQ was not ready within ${READY_MS / 1000} s: ${last}`, place);
}

function failed(message: string, place: RabbitPlace): SetupError {
  return new SetupError('server-failed', `${message}. The end of its log:\n${logTail(place.logFile, 20)}`, {
    ways: [
      'Name a RabbitMQ of your own with INTERLOCK_AMQP_URL',
      'If its data is kept between runs: it may come from another version, try an empty folder',
    ],
  });
}
