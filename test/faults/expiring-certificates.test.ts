import { expect } from 'chai';
import { join } from 'node:path';

import { Deployment, type Role, type TaskView } from '../support/deployment.js';
import { overlaps, readSpans } from '../support/evidence.js';
import { testServers } from '../support/servers.js';
import { TlsFolder } from '../support/tls-files.js';
import { TlsFront } from '../support/tls-front.js';
import { until } from '../support/wait.js';

/** Time for all roles to read a certificate and to connect anew with it, on a busy machine; then it expires. */
const VALID_MS = 40_000;
const CHAIN = 8;

/** How renewed files come to a process, and how often it looks for them by itself. */
const WAYS: [title: string, rereadSeconds: number, tell: (roles: readonly Role[]) => void][] = [
  [
    'with SIGHUP',
    86_400,
    roles => {
      for (const { child } of roles) child.kill('SIGHUP');
    },
  ],
  ['by themselves', 2, () => undefined],
];

for (const [title, rereadSeconds, tell] of WAYS) {
  describe(`certificates that expire while roles run, which read renewed ones ${title}`, function () {
    this.timeout(300_000);
    let folder: TlsFolder;
    let fronts: { mongo: TlsFront; amqp: TlsFront };
    let deployment: Deployment;
    let roles: Role[];
    const chain: TaskView[] = [];

    before(async () => {
      folder = new TlsFolder();
      folder.issue('client');
      const [{ mongoUrl, amqpUrl }, shown] = [testServers(), asking()];
      fronts = { mongo: await TlsFront.before(mongoUrl, shown, true), amqp: await TlsFront.before(amqpUrl, shown) };
      deployment = await Deployment.create({ timingScale: 0.5, env: { INTERLOCK_TLS_REREAD_SECONDS: String(rereadSeconds) } });
      Object.assign(deployment.env, securely(deployment.env as Record<string, string>));
      const { api, manager, beat, workers } = await deployment.startAll([['-n', 'w1', '-c', '2']]);
      roles = [api, manager, beat, ...workers];
    });
    after(async () => {
      await deployment.destroy();
      await Promise.all([fronts.mongo.close(), fronts.amqp.close()]);
      folder.remove();
    });

    /** By way of the fronts, with the files of the folder. */
    function securely(env: Record<string, string>): Record<string, string> {
      const files = (server: string): object => ({
        [`INTERLOCK_${server}_TLS_CA_FILE`]: folder.file('ca.pem'),
        [`INTERLOCK_${server}_TLS_CERTIFICATE_FILE`]: folder.file('client.pem'),
        [`INTERLOCK_${server}_TLS_KEY_FILE`]: folder.file('client.key'),
      });
      const at = (url: string, { port }: TlsFront): string => url.replace(/\b127\.0\.0\.1:\d+/, `127.0.0.1:${port}`);
      return {
        INTERLOCK_MONGO_URL: at(env.INTERLOCK_MONGO_URL!, fronts.mongo),
        INTERLOCK_AMQP_URL: at(env.INTERLOCK_AMQP_URL!, fronts.amqp).replace('amqp:', 'amqps:'),
        ...files('MONGO'),
        ...files('AMQP'),
      };
    }
    /** What a front shows, and that it lets in only whom the authority has certified. */
    function asking(to?: Date): object {
      const shown = folder.authority.issue('server', { hosts: true, ...(to && { to }) });
      return { ...shown, ca: folder.authority.ca, requestCert: true, rejectUnauthorized: true };
    }
    function show(to?: Date): void {
      const shown = asking(to);
      for (const front of both()) front.show(shown);
    }
    const both = (): TlsFront[] => [fronts.mongo, fronts.amqp];
    const file = (): string => join(deployment.directory, 'evidence');
    const submit = (label: string, ms: number, resource: string): Promise<TaskView> =>
      deployment.submit({ name: 'test.again', exclusive: [resource], kwargs: { file: file(), label, ms } });
    const beats = async (): Promise<Map<string, number>> => {
      const live = await deployment.db.collection<{ _id: string; beat: number }>('processes').find({ state: 'live' }).toArray();
      return new Map(live.map(({ _id, beat }) => [_id, beat]));
    };
    const connected = async (): Promise<boolean[]> => {
      const { body } = await deployment.request<Record<string, { connected: boolean }>>('GET', '/api/v1/status');
      return ['databaseConnection', 'brokerConnection'].map(name => body[name]!.connected);
    };
    const each = (what: string, holds: (said: string) => boolean, from = roles.map(() => 0)): Promise<unknown> =>
      Promise.all(
        roles.map((role, index) =>
          until(`${role.name} tells that ${what}`, () => holds(role.output.slice(from[index])), { timeoutMs: 90_000 }),
        ),
      );
    const lines = (said: string, ...parts: string[]): boolean =>
      said.split('\n').some(line => parts.every(part => line.includes(part)));
    const read = (said: string): boolean =>
      ['mongo', 'amqp'].every(server => said.includes(`${server}.tls: new certificates or revocation lists are in force`));
    const soFar = (): number[] => roles.map(({ output }) => output.length);

    it('cost no connection that is open', async () => {
      const ends = new Date(Date.now() + VALID_MS);
      show(ends);
      folder.issue('client', { to: ends });
      tell(roles);
      await each('it has read the certificate that ends soon', read);
      for (const front of both()) front.cut();
      await until('both are connected with it', async () => (await connected()).every(Boolean));
      await deployment.healthy();
      // As many connections as the work takes: where one more is wanted later there is none.
      const warm = await Promise.all(Array.from({ length: 12 }, (_, n) => submit(`warm-${n}`, 50, `warm-${n % 4}`)));
      for (const { id } of warm) expect(await deployment.final(id)).to.include({ state: 'completed' });
      await until('it has expired', () => Date.now() > ends.getTime() + 1_000, { timeoutMs: 2 * VALID_MS });
      const before = await beats();
      const accepted = both().map(front => front.accepted);
      const task = await submit('open', 100, 'open');
      expect(await deployment.final(task.id)).to.include({ state: 'completed', attempt: 1 });
      await until('heartbeats come', async () => {
        const now = await beats();
        return [...before].every(([name, beat]) => (now.get(name) ?? 0) >= beat + 3);
      });
      await until('both are connected', async () => (await connected()).every(Boolean));
      expect(
        both().map(front => front.accepted),
        'on connections from before',
      ).to.deep.equal(accepted);
      if (rereadSeconds < 60) await each('its own certificate has expired', said => lines(said, 'client.pem', 'has expired'));
    });

    it('are told of by each role when connections are cut, which then waits and is never in the open', async () => {
      // The first is still running when its worker fences itself after 10 s, and is then begun anew.
      for (let n = 0; n < CHAIN; n++) chain.push(await submit(`chain-${n}`, n === 0 ? 20_000 : 200, 'chain'));
      await until('the first has begun', () => readSpans(file()).some(({ label }) => label === 'chain-0'));
      const from = soFar();
      for (const front of both()) front.cut();
      await each(
        'the certificate of MongoDB has expired',
        said => lines(said, 'cannot reach MongoDB', 'certificate has expired'),
        from,
      );
      await each('that of RabbitMQ has', said => lines(said, 'cannot use RabbitMQ', 'certificate has expired'), from);
      expect(await connected()).to.deep.equal([false, false]);
      expect((await fetch(`${deployment.url}/readyz`)).status).to.equal(503);
      expect((await fetch(`${deployment.url}/livez`)).status).to.equal(200);
      expect(both().map(front => front.inTheOpen)).to.deep.equal([0, 0]);
      stillThere();
    });

    it('are no good for clients either, though servers have new ones', async () => {
      const accepted = both().map(front => front.accepted);
      const from = soFar();
      show();
      await each('MongoDB does not let it in', said => lines(said, 'cannot reach MongoDB'), from);
      await each('RabbitMQ does not', said => lines(said, 'cannot use RabbitMQ'), from);
      expect(await connected()).to.deep.equal([false, false]);
      expect(both().map(front => front.accepted)).to.deep.equal(accepted);
    });

    it('leave nothing undone when there are new ones: what was accepted ends, once', async () => {
      const from = soFar();
      folder.issue('client');
      tell(roles);
      await each('it has read the new certificate', read, from);
      await deployment.healthy();
      expect(await connected()).to.deep.equal([true, true]);
      for (const { id } of chain) expect(await deployment.final(id, 120_000)).to.include({ state: 'completed' });
      const spans = readSpans(file()).filter(({ label }) => label.startsWith('chain-'));
      const ended = spans.filter(span => span.ended).map(({ label }) => label);
      expect([...ended].sort()).to.deep.equal(chain.map((_, n) => `chain-${n}`));
      const asked = chain.map((_, n) => ({ label: `chain-${n}`, exclusive: ['chain'], shared: [] }));
      expect(overlaps(spans, asked)).to.deep.equal([]);
      expect(both().map(front => front.inTheOpen)).to.deep.equal([0, 0]);
      stillThere();
      expect(await deployment.cli('audit')).to.include({ code: 0 });
    });

    function stillThere(): void {
      expect(
        roles.filter(({ running }) => !running).map(({ name }) => name),
        'who needed a restart',
      ).to.deep.equal([]);
    }
  });
}
