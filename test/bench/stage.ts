import { fileURLToPath } from 'node:url';

import { eachAddress } from '../../src/core/address-list.js';
import { Deployment, type Role } from '../support/deployment.js';
import { until } from '../support/wait.js';
import { listenerOn } from './cpu.js';
import { Meter } from './meter.js';
import type { Pool } from './options.js';
import { Probes, type Memory } from './probes.js';
import { Records } from './records.js';
import type { Context } from './scenario.js';
import { Submitter } from './submitter.js';

/** Who stands on it from the beginning, and what they are told beside the addresses of the servers. */
interface Cast {
  roles?: readonly string[];
  env?: Record<string, string>;
}

const BODIES = fileURLToPath(new URL('./bodies.ts', import.meta.url));

/** A deployment of real processes with the timing that the product has, watched by probes. */
export class Stage {
  static readonly #open = new Set<Stage>();
  readonly deployment: Deployment;
  readonly submitter: Submitter;
  readonly records: Records;
  readonly #context: Context;
  readonly #probes: Probes;
  readonly #servers: Record<string, number>;
  #workers = 0;
  #closing: Promise<void> | undefined;

  private constructor(context: Context, deployment: Deployment, probes: Probes) {
    this.#context = context;
    this.deployment = deployment;
    this.#probes = probes;
    this.submitter = new Submitter(deployment.url);
    this.records = new Records(deployment.db);
    this.#servers = serversOf(context);
    Stage.#open.add(this);
  }

  /** Workers are started for each measurement. */
  static async open(context: Context, { roles = ['api', 'resource-manager', 'beat'], env = {} }: Cast = {}): Promise<Stage> {
    const probes = await Probes.listen();
    const deployment = await Deployment.create({
      timingScale: 1,
      taskModules: [BODIES],
      servers: context.servers,
      env: {
        INTERLOCK_LOG_LEVEL: 'info',
        INTERLOCK_API_REQUESTS_PER_SECOND: '0',
        ...probes.environment(context.options.profile),
        ...env,
      },
      logToFiles: true,
    });
    const stage = new Stage(context, deployment, probes);
    try {
      for (const role of roles) deployment.start(role);
      if (roles.includes('api')) await stage.#ready(roles);
      return stage;
    } catch (error) {
      await stage.close();
      throw error;
    }
  }

  /** For an end by signal. */
  static async closeAll(): Promise<void> {
    await Promise.all([...Stage.#open].map(stage => stage.close()));
  }

  newMeter(): Meter {
    return new Meter({ probes: this.#probes, servers: this.#servers, profile: this.#context.options.profile });
  }

  /** Does not wait for it. */
  startWorker(pool: Pool | undefined, slots: number): Role {
    const name = `w${(this.#workers += 1)}`;
    return this.deployment.start('worker', ['-n', name, '-c', String(slots), ...(pool === 'async' ? ['--pool', 'async'] : [])]);
  }

  /** Throws unless it ends well. */
  async stop(role: Role): Promise<void> {
    await role.kill('SIGTERM');
    const { code, signal } = await role.exited;
    if (code !== 0) throw new Error(`The ${role.name} ended with ${signal ?? code ?? 'nothing'}: ${role.output.slice(-2_000)}`);
  }

  /** Runs all slots of a fresh worker at once, and again until none had to wait for its child: then every child is there and warm. */
  async fillSlots(slots: number): Promise<void> {
    await until('all slots run at once', () => this.#allAtOnce(slots), { timeoutMs: 300_000 });
  }

  memory(when: 'as it is' | 'collected'): Promise<Memory[]> {
    return this.#probes.memory(when);
  }

  /** Until the API publishes nothing more: an accepted task does not wait for its hint. */
  async hintsSent(): Promise<void> {
    let before = -1;
    const probe = async (): Promise<boolean> => {
      const published = (await this.#probes.counts()).map(({ calls }) => calls.publish?.count ?? 0);
      const [was, now] = [before, published.reduce((sum, count) => sum + count, 0)];
      before = now;
      return was === now;
    };
    await until('all hints are published', probe, { everyMs: 300 });
  }

  close(): Promise<void> {
    return (this.#closing ??= this.#shutDown());
  }

  async #shutDown(): Promise<void> {
    await this.submitter.close();
    await this.deployment.destroy();
    await this.#probes.close();
    Stage.#open.delete(this);
  }

  async #allAtOnce(slots: number): Promise<boolean> {
    const above = await this.records.lastNumber();
    const ms = 1_000;
    await this.submitter.submitMany(Array.from({ length: slots }, () => ({ name: 'bench.pause', kwargs: { ms } })));
    const tasks = await this.records.completed(above, slots);
    const atOnce = Math.max(...tasks.map(task => task.startedAt)) < Math.min(...tasks.map(task => task.finishedAt));
    return atOnce && Math.max(...tasks.map(task => task.finishedAt - task.startedAt)) < 2 * ms;
  }

  async #ready(roles: readonly string[]): Promise<void> {
    interface Status {
      resourceManagers: { leading: boolean }[];
      beats: unknown[];
    }
    const probe = async (): Promise<boolean> => {
      const { resourceManagers, beats } = (await this.deployment.request<Status>('GET', '/api/v1/status')).body;
      const led = resourceManagers.some(each => each.leading) || !roles.includes('resource-manager');
      return led && (beats.length > 0 || !roles.includes('beat'));
    };
    await until('the deployment is ready', probe, { timeoutMs: 120_000, everyMs: 200 });
  }
}

/** Pids of the servers, where they run on this machine. */
function serversOf({ servers }: Context): Record<string, number> {
  const listeners = Object.entries({ mongod: servers.mongoUrl, rabbitmq: servers.amqpUrl }).map(([name, url]) => {
    const [first = ''] = eachAddress(url);
    return { name, pid: listenerOn(Number(/:(\d+)(?:[/?]|$)/.exec(first.replace(/^.*@/, ''))?.[1])) };
  });
  return Object.fromEntries(listeners.flatMap(({ name, pid }) => (pid === undefined ? [] : [[name, pid]])));
}
