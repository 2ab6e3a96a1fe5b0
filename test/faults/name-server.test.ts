import { expect } from 'chai';
import { join } from 'node:path';

import { Deployment, type Role, type TaskView } from '../support/deployment.js';
import { readSpans } from '../support/evidence.js';
import { StandInNameServer, UdpNameServer, type NameServer } from '../support/name-servers.js';
import { TcpProxy } from '../support/tcp-proxy.js';
import { until } from '../support/wait.js';

/** As long as `127.0.0.1`: a member of a replica set is renamed on its way, in bytes that may not become more. */
const MONGO = 'mongo.lan';
const RABBIT = 'rabbit.lan';
const ORIGIN = 'origin.lan';
/** Far below the 150 s that a real lookup waits, and above what each role gives itself. */
const END_MS = 60_000;

const WAYS: [title: string, start: () => Promise<NameServer>][] = [
  ['a stand-in', () => Promise.resolve(new StandInNameServer())],
  // Only this one shows what threads of libuv that are stuck in glibc do to the rest of a process.
  ...(process.getuid?.() === 0
    ? [['a real one', () => UdpNameServer.start()] satisfies [string, () => Promise<NameServer>]]
    : []),
];

for (const [title, startNameServer] of WAYS) {
  describe(`a name server that falls silent (${title})`, function () {
    this.timeout(300_000);
    let names: NameServer;
    let deployment: Deployment;
    let mongo: TcpProxy;
    let amqp: TcpProxy;
    let env: Record<string, string>;
    let roles: Role[];

    before(async () => {
      names = await startNameServer();
      deployment = await Deployment.create({ timingScale: 0.5, launcher: names.launcher });
      const { INTERLOCK_MONGO_URL: mongoUrl = '', INTERLOCK_AMQP_URL: amqpUrl = '' } = deployment.env;
      mongo = await TcpProxy.before(mongoUrl, 27_017, { disguised: MONGO });
      amqp = await TcpProxy.before(amqpUrl, 5_672);
      env = { ...names.env, INTERLOCK_MONGO_URL: mongo.url(mongoUrl, MONGO), INTERLOCK_AMQP_URL: amqp.url(amqpUrl, RABBIT) };
      roles = [start('api'), start('resource-manager'), start('beat'), start('worker', '-n', 'w1', '-c', '2')];
    });
    after(async () => {
      names.silentAbout();
      await deployment.destroy();
      await Promise.all([mongo.close(), amqp.close(), names.close()]);
    });
    beforeEach(async () => {
      names.silentAbout();
      await deployment.healthy();
    });

    const start = (role: string, ...args: string[]): Role => deployment.start(role, args, env);
    const file = (): string => join(deployment.directory, 'evidence');
    const submit = (label: string, ms: number, more: object = {}): Promise<TaskView> =>
      deployment.submit({ name: 'test.evidence', kwargs: { file: file(), label, ms }, ...more });
    const processes = (): Promise<{ name: string; incarnation: string; beat: number }[]> =>
      deployment.db
        .collection<{ _id: string; incarnation: string; beat: number }>('processes')
        .find({ state: 'live' })
        .sort({ _id: 1 })
        .map(({ _id, incarnation, beat }) => ({ name: _id, incarnation, beat }))
        .toArray();
    const status = async () =>
      (
        await deployment.request<Record<'databaseConnection' | 'brokerConnection', { connected: boolean }>>(
          'GET',
          '/api/v1/status',
        )
      ).body;

    /** Tasks end, and heartbeats come for longer than one may be missing, without anybody having become somebody else. */
    async function goesOn(label: string, beats: number): Promise<void> {
      const before = await processes();
      expect(before).to.have.length(4);
      let n = 0;
      await until(
        `each has ${beats} heartbeats more`,
        async () => {
          const task = await submit(`${label}-${++n}`, 10, { exclusive: [label] });
          expect(await deployment.final(task.id)).to.include({ state: 'completed', attempt: 1 });
          const now = await processes();
          expect(
            now.map(({ incarnation }) => incarnation),
            'nobody was called missing',
          ).to.deep.equal(before.map(({ incarnation }) => incarnation));
          return now.every(({ beat }, index) => beat >= before[index]!.beat + beats);
        },
        { timeoutMs: 120_000 },
      );
    }

    const waitsFor = (name: string): string => `no name server has answered for ${name}`;
    /** Cuts connections until all roles have told that they cannot have others: an answer that came late is good for 30 s more. */
    async function cutOff(...ways: (readonly [TcpProxy, string])[]): Promise<void> {
      const from = roles.map(({ output }) => output.length);
      const cut = (): boolean => {
        for (const [proxy] of ways) proxy.cut();
        return roles.every(({ output }, index) => ways.every(([, name]) => output.slice(from[index]).includes(waitsFor(name))));
      };
      await until('all tell what they wait for', cut, { timeoutMs: 120_000, everyMs: 5_000 });
    }

    it('disturbs nobody who is connected', async () => {
      names.silentAbout(MONGO, RABBIT, ORIGIN);
      await goesOn('connected', 8);
    });

    it('ends the sync of an origin of that name as timed out, and other tasks of its worker go on', async () => {
      names.silentAbout(MONGO, RABBIT, ORIGIN);
      const settings = { name: 'silent', url: `http://${ORIGIN}:1/`, connect_timeout: 2 };
      expect((await deployment.request('POST', '/api/v1/repositories', settings)).status).to.equal(201);
      const sync = (await deployment.request<TaskView>('POST', '/api/v1/repositories/silent/sync', {})).body;
      await goesOn('beside', 2);
      const ended = await deployment.final(sync.id);
      expect([ended.state, ended.error?.code]).to.deep.equal(['failed', 'ORIGIN_TIMEOUT']);
    });

    it('about one server keeps nobody from the other', async () => {
      names.silentAbout(RABBIT);
      await cutOff([amqp, RABBIT]);
      mongo.cut(); // now that threads wait for the name of the broker
      await goesOn('no broker', 8);
      expect((await status()).brokerConnection.connected).to.equal(false);
    });

    it('is named by whoever cannot connect, also one that starts, and all go on when it answers', async () => {
      const running = await submit('running', 600_000, { exclusive: ['r'] });
      const next = await submit('next', 10, { exclusive: ['r'] });
      await until('the first runs', () => readSpans(file()).some(span => span.label === 'running'));
      names.silentAbout(MONGO, RABBIT);
      await cutOff([mongo, MONGO], [amqp, RABBIT]);
      expect((await fetch(`${deployment.url}/livez`)).status).to.equal(200);
      expect(await status()).to.deep.include({ healthy: false });
      const late = [start('beat', '-n', 'late'), start('worker', '-n', 'late')];
      for (const role of late) {
        await until('it tells what it waits for', () => role.output.includes(waitsFor(MONGO)), { timeoutMs: 60_000 });
        expect(role.output).to.match(/MongoDB does not answer at mongodb:\/\/\S*mongo\.lan/);
      }
      await allEnd(late);
      await until('the worker has fenced itself', () => roles.at(-1)!.output.includes('Self-fence'), { timeoutMs: 60_000 });
      names.silentAbout();
      await deployment.healthy();
      expect(await deployment.final(running.id)).to.include({ state: 'canceled', reason: 'worker-lost' });
      expect(await deployment.final(next.id)).to.include({ state: 'completed', attempt: 1 });
      expect(
        roles.filter(role => !role.running).map(({ name }) => name),
        'who needed a restart',
      ).to.deep.equal([]);
      expect(await deployment.cli('audit')).to.include({ code: 0 });
    });

    it('ends no later whoever is asked to end while it looks for names', async () => {
      names.silentAbout(MONGO, RABBIT);
      await cutOff([mongo, MONGO], [amqp, RABBIT]);
      await allEnd(roles);
    });

    /** By themselves; who cannot tell the database ends at the latest when what it gives itself has passed. */
    async function allEnd(asked: readonly Role[]): Promise<void> {
      for (const role of asked) void role.kill('SIGTERM');
      await until('all have ended', () => asked.every(({ running }) => !running), { timeoutMs: END_MS });
    }
  });
}
