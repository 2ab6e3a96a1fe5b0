import { execFileSync } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { connect, type Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';

import { expect } from 'chai';

import { Traffic } from '../cluster/traffic.js';
import { Deployment, type Role } from '../support/deployment.js';
import { until } from '../support/wait.js';

/** Fewer where this machine lets a process have fewer files. */
const WANTED = 10_000;
/** What an API and this process need beside them. */
const SPARE = 1_000;
const DIALLED_AT_ONCE = 200;
const DIAL_EVERY_MS = 20;
/** Node keeps some 10 KiB for a silent connection; the rest is what a heap grows by that had no reason to be collected. */
const BYTES_EACH = 20_480;
const GROWTH_BYTES = 100 * 1_048_576;

/** What the limits of this process (Node has raised the soft one to the hard one) leave for connections. */
function possible(): number {
  const [, files] = /^Max open files\s+(\d+)/m.exec(readFileSync('/proc/self/limits', 'latin1'))!;
  return Math.min(WANTED, Number(files) - SPARE);
}

/** Connections that say nothing. Whoever is cut off comes back. */
class Silent {
  readonly #port: number;
  readonly #sockets = new Set<Socket>();
  #dialling = 0;
  #holding: Promise<void> | undefined;
  #wanted = 0;

  constructor(port: number) {
    this.#port = port;
  }

  get open(): number {
    return this.#sockets.size - this.#dialling;
  }

  hold(count: number): void {
    this.#wanted = count;
    this.#holding = this.#hold();
  }

  /** Nobody comes back any more. */
  async leaveToThemselves(): Promise<void> {
    this.#wanted = 0;
    await this.#holding;
  }

  destroy(): void {
    for (const socket of this.#sockets) socket.destroy();
  }

  async #hold(): Promise<void> {
    while (this.#wanted > 0) {
      while (this.#dialling < DIALLED_AT_ONCE && this.#sockets.size < this.#wanted) this.#dial();
      await sleep(DIAL_EVERY_MS);
    }
  }

  #dial(): void {
    const socket = connect(this.#port, '127.0.0.1');
    let dialling = true;
    const dialled = (): void => {
      if (dialling) this.#dialling -= 1;
      dialling = false;
    };
    this.#dialling += 1;
    this.#sockets.add(socket);
    socket.resume(); // or the end of it would not be seen
    socket.on('connect', dialled).on('error', () => undefined);
    socket.on('close', () => {
      dialled();
      this.#sockets.delete(socket);
    });
  }
}

describe('an API with thousands of connections that say nothing', function () {
  this.timeout(420_000);
  const count = possible();
  let deployment: Deployment;
  let silent: Silent;
  let roles: Role[];

  before(async () => {
    const env = { INTERLOCK_API_MAX_CONNECTIONS: String(count + 500) };
    deployment = await Deployment.create({ timingScale: 0.5, env }); // a fence after 10 s, so that a busy machine alone loses nobody
    const { api, manager, beat, workers } = await deployment.startAll();
    roles = [api, manager, beat, ...workers];
    execFileSync('prlimit', ['--pid', String(api.pid), `--nofile=${count + SPARE}:`]);
    silent = new Silent(Number(new URL(deployment.url).port));
  });
  after(async () => {
    await silent.leaveToThemselves();
    silent.destroy();
    await deployment.destroy();
  });

  const filesOf = ({ pid }: Role): number => readdirSync(`/proc/${pid}/fd`).length;
  const residentOf = ({ pid }: Role): number =>
    1_024 * Number(/^VmRSS:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, 'latin1'))![1]);
  /** By name: who it is now, and how often it has shown that it lives. */
  async function lives(): Promise<Map<string, { incarnation: string; beat: number }>> {
    const found = deployment.db.collection<{ _id: string; incarnation: string; beat: number }>('processes').find();
    return new Map((await found.toArray()).map(({ _id, incarnation, beat }) => [_id, { incarnation, beat }]));
  }

  it('serves others, shows that it lives, takes little for them, and lets them go in the end', async () => {
    const [api] = roles as [Role];
    const traffic = new Traffic(deployment, [deployment.url], 50);
    traffic.start();
    await traffic.goesOn(20);
    const before = { files: filesOf(api), resident: residentOf(api), lives: await lives() };
    silent.hold(count);
    await until('the API holds them', () => filesOf(api) >= before.files + 0.95 * count, { timeoutMs: 120_000 });
    const grown = residentOf(api) - before.resident;
    process.stdout.write(`      ${silent.open} connections, ${Math.round(grown / 1_048_576)} MiB more\n`);
    expect(grown).to.be.below(GROWTH_BYTES + count * BYTES_EACH);

    await traffic.goesOn(20);
    const held = await lives();
    await until(
      'six heartbeats of each have come',
      async () => {
        const now = await lives();
        return [...held].every(([name, { beat }]) => now.get(name)!.beat >= beat + 6);
      },
      { timeoutMs: 60_000 },
    );
    const incarnations = (all: typeof held): string[] => [...all].map(([name, each]) => `${name} ${each.incarnation}`).sort();
    expect(incarnations(await lives()), 'nobody has given itself up').to.deep.equal(incarnations(before.lives));
    expect((await deployment.request('GET', '/api/v1/status')).body).to.include({ healthy: true });
    await until('all that was under them', () => filesOf(api) >= before.files + 0.8 * count, { timeoutMs: 120_000 });

    await silent.leaveToThemselves();
    await until('all are cut off', () => silent.open === 0, { timeoutMs: 180_000, everyMs: 500 });
    await until('the API has let them go', () => filesOf(api) < before.files + 50);
    await traffic.drained();
    const { tasks, completed } = await traffic.judge();
    expect(completed).to.equal(tasks);
    expect(roles.filter(({ running }) => !running)).to.deep.equal([]);
  });
});
