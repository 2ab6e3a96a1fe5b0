import { expect } from 'chai';
import { join } from 'node:path';

import { Traffic } from '../../cluster/traffic.js';
import { Deployment, freePort, type Role } from '../../support/deployment.js';
import { TcpProxy } from '../../support/tcp-proxy.js';
import { until } from '../../support/wait.js';

/** Of the timings and of the cuts: the real ones, halved. */
export const SCALE = 0.5;

/** Two of each, so that either may be cut off: of a name's two parts the second is its host. */
const CAST = { api: 'a', 'resource-manager': 'm', beat: 'b', worker: 'w' } as const;
const HOSTS = [1, 2] as const;
/** A task about each half second, and a slot each two. */
const PAUSE_MS = 500;
const SLOT_S = 2;

/** A deployment with a proxy on every way between two of its processes and its servers, under steady traffic and with a schedule. */
export class Stage {
  readonly deployment: Deployment;
  readonly roles = new Map<string, Role>();
  /** By name: `w1>mongo`, `a1>rabbit`, `client>a1`. */
  readonly links = new Map<string, TcpProxy>();
  readonly traffic: Traffic;
  #schedule = '';

  private constructor(deployment: Deployment, links: Map<string, TcpProxy>) {
    this.deployment = deployment;
    this.links = links;
    this.traffic = new Traffic(deployment, this.apis, PAUSE_MS);
  }

  static async open(): Promise<Stage> {
    const deployment = await Deployment.create({ timingScale: SCALE });
    const { INTERLOCK_MONGO_URL: mongo = '', INTERLOCK_AMQP_URL: amqp = '', INTERLOCK_API_PORT: port = '' } = deployment.env;
    const ports = [Number(port), await freePort()];
    const links = new Map<string, TcpProxy>();
    const starting: [role: string, name: string, env: Record<string, string>][] = [];
    for (const [role, letter] of Object.entries(CAST))
      for (const host of HOSTS) {
        const name = `${letter}${host}`;
        const toMongo = await TcpProxy.before(mongo, 27_017, { disguised: true });
        const toRabbit = await TcpProxy.before(amqp, 5_672);
        links.set(`${name}>mongo`, toMongo).set(`${name}>rabbit`, toRabbit);
        const servers = { INTERLOCK_MONGO_URL: toMongo.url(mongo), INTERLOCK_AMQP_URL: toRabbit.url(amqp) };
        const own = String(ports[host - 1]);
        starting.push([role, name, { ...servers, ...(role === 'api' && { INTERLOCK_API_PORT: own }) }]);
        if (role === 'api') links.set(`client>${name}`, await TcpProxy.before(`http://127.0.0.1:${own}`, 80));
      }
    const stage = new Stage(deployment, links);
    for (const [role, name, env] of starting)
      stage.roles.set(name, deployment.start(role, ['-n', name, ...(role === 'worker' ? ['-c', '2'] : [])], env));
    await deployment.healthy();
    await stage.#begin();
    return stage;
  }

  /** By way of their proxies. */
  get apis(): string[] {
    return HOSTS.map(host => `http://127.0.0.1:${this.link(`client>a${host}`).port}`);
  }

  link(name: string): TcpProxy {
    const link = this.links.get(name);
    if (!link) throw new Error(`there is no link ${name}`);
    return link;
  }

  outputOf(name: string): string {
    return this.roles.get(name)?.output ?? '';
  }

  /** The name of who leads now. */
  async leader(kind: 'resource-manager' | 'beat'): Promise<string> {
    const leases = this.deployment.db.collection<{ _id: string; holder: string }>('leases');
    return until(`a leading ${kind}`, async () => (await leases.findOne({ _id: kind }))?.holder);
  }

  /** The slots that have their task. */
  async slots(): Promise<number[]> {
    const tasks = this.deployment.db.collection<{ schedule: { slot: Date } }>('tasks').find({ 'schedule.id': this.#schedule });
    return (await tasks.sort({ 'schedule.slot': 1 }).toArray()).map(({ schedule }) => schedule.slot.getTime());
  }

  /** A while after a cut: everybody is healthy, new tasks end, and new slots have their tasks; nobody was started again. */
  async recovers(): Promise<void> {
    await this.deployment.healthy();
    await this.traffic.goesOn(5);
    const from = Date.now();
    await until('a new slot has its task', async () => ((await this.slots()).at(-1) ?? 0) > from, {
      timeoutMs: 60_000,
      everyMs: 200,
    });
    expect(
      [...this.roles].filter(([, role]) => !role.running).map(([name]) => name),
      'who needs a restart',
    ).to.deep.equal([]);
  }

  /** No task was lost or ran twice or beside one that it conflicts with, every slot has one task, and the records contradict nothing. */
  async judge(): Promise<void> {
    await this.deployment.request('POST', `/api/v1/schedules/${this.#schedule}/pause`);
    await this.traffic.drained();
    await this.traffic.judge();
    const slots = await this.slots();
    expect(new Set(slots.slice(1).map((slot, n) => slot - slots[n]!)), 'each slot once').to.deep.equal(new Set([SLOT_S * 1_000]));
    const audit = await this.deployment.cli('audit');
    expect(audit, audit.stdout).to.include({ code: 0 });
  }

  async close(): Promise<void> {
    for (const link of this.links.values()) link.set('pass');
    await this.deployment.destroy();
    for (const link of this.links.values()) await link.close();
  }

  async #begin(): Promise<void> {
    const kwargs = { file: join(this.deployment.directory, 'slots'), label: 'slot', ms: 1 };
    const task = { name: 'test.evidence', kwargs };
    const schedule = { name: 'slots', interval: SLOT_S, misfire: 'all', task };
    const made = await this.deployment.request<{ id: string }>('POST', '/api/v1/schedules', schedule);
    expect(made.status).to.equal(201);
    this.#schedule = made.body.id;
    this.traffic.start();
    await this.traffic.goesOn(10);
  }
}
