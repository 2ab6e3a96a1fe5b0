import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

import { provideServers, type ProvidedServers, type RabbitServer } from '../../src/servers/servers.js';
import { Deployment, type Role, type TaskView } from '../support/deployment.js';
import { readSpans } from '../support/evidence.js';
import { testServers } from '../support/servers.js';
import { until } from '../support/wait.js';

const DIRECTORY = fileURLToPath(new URL('../../.interlock', import.meta.url));

export interface Status {
  healthy: boolean;
  brokerConnection: { connected: boolean; state: string };
}

interface QueueRow {
  name: string;
  messages_ready: number;
  messages_unacknowledged: number;
}

export interface WorldOptions {
  dataDirectory?: string;
  slots?: number;
  /** One is enough where nobody may fence itself only because the machine is busy. */
  timingScale?: number;
}

/** A deployment on a RabbitMQ of its own, which a test breaks; no process of the deployment may end for that. */
export class BrokerWorld {
  readonly deployment: Deployment;
  readonly rabbit: RabbitServer;
  readonly roles: Record<'api' | 'manager' | 'beat' | 'worker', Role>;
  readonly #servers: ProvidedServers;
  #submitted = 0;

  private constructor(servers: ProvidedServers, deployment: Deployment, roles: BrokerWorld['roles']) {
    this.#servers = servers;
    this.deployment = deployment;
    this.roles = roles;
    this.rabbit = servers.rabbit!;
  }

  static async open({ dataDirectory, slots = 2, timingScale = 0.5 }: WorldOptions = {}): Promise<BrokerWorld> {
    const data = dataDirectory === undefined ? {} : { dataDirectory };
    const servers = await provideServers({ directory: DIRECTORY, need: { mongo: false, amqp: true }, ...data });
    const urls = { mongoUrl: testServers().mongoUrl, amqpUrl: servers.amqpUrl! };
    const deployment = await Deployment.create({ timingScale, servers: urls });
    const { api, manager, beat, workers } = await deployment.startAll([['-n', 'w1', '-c', String(slots)]]);
    return new BrokerWorld(servers, deployment, { api, manager, beat, worker: workers[0]! });
  }

  async close(): Promise<void> {
    await this.deployment.destroy();
    await this.#servers.stop();
  }

  /** Bodies write here. */
  get file(): string {
    return join(this.deployment.directory, 'evidence');
  }

  /** The name of a queue on the broker. */
  named(queue: string): string {
    return `${this.deployment.env.INTERLOCK_AMQP_PREFIX ?? ''}${queue}`;
  }

  /** Throws unless it is answered 202. */
  submit(ms = 20): Promise<TaskView> {
    this.#submitted += 1;
    const kwargs = { file: this.file, label: `t${this.#submitted}`, ms };
    return this.deployment.submit({ name: 'test.evidence', exclusive: [`r${this.#submitted % 10}`], kwargs });
  }

  async submitMany(count: number): Promise<TaskView[]> {
    const tasks: TaskView[] = [];
    for (let n = 0; n < count; n++) tasks.push(await this.submit());
    return tasks;
  }

  async allComplete(tasks: readonly TaskView[]): Promise<void> {
    for (const { id } of tasks) {
      const { state, reason } = await this.deployment.final(id, 120_000);
      if (state !== 'completed') throw new Error(`${id} is ${state}: ${reason}`);
    }
  }

  async begun({ kwargs }: TaskView): Promise<void> {
    const { label } = kwargs as { label: string };
    await until(`${label} has begun`, () => readSpans(this.file).some(span => span.label === label));
  }

  async status(): Promise<Status> {
    return (await this.deployment.request<Status>('GET', '/api/v1/status')).body;
  }

  async healthy(): Promise<void> {
    await until('it is healthy again', async () => (await this.status()).healthy, { timeoutMs: 120_000 });
  }

  /** Messages of a queue: not yet delivered, and delivered but not acknowledged. */
  async messages(queue: string): Promise<{ ready: number; unacknowledged: number }> {
    const columns = ['name', 'messages_ready', 'messages_unacknowledged'];
    const rows = JSON.parse(await this.rabbit.ctl(['list_queues', '-q', '--formatter', 'json', ...columns])) as QueueRow[];
    const row = rows.find(({ name }) => name === this.named(queue));
    return { ready: row?.messages_ready ?? 0, unacknowledged: row?.messages_unacknowledged ?? 0 };
  }

  /** What went wrong: bodies that did not run exactly once and to their end, and processes that have ended. */
  wrong(): string[] {
    const spans = readSpans(this.file).map(({ label, attempt, ended }) => `${label}/${attempt}${ended ? '' : ' not ended'}`);
    const wanted = Array.from({ length: this.#submitted }, (_, n) => `t${n + 1}/1`);
    return [
      ...spans.filter(span => !wanted.includes(span)),
      ...wanted.filter(each => !spans.includes(each)).map(each => `${each} did not run`),
      ...Object.values(this.roles).flatMap(role => (role.running ? [] : [`${role.name} ended`])),
    ];
  }
}
