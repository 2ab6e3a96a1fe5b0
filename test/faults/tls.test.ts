import { connect as connectTls } from 'node:tls';

import { expect } from 'chai';

import { createAmqpBroker, type AmqpBroker } from '../../src/broker/amqp/broker.js';
import { DEFAULT_AMQP_TIMING } from '../../src/broker/amqp/options.js';
import { silentLog } from '../../src/process/log.js';
import { LiveTls } from '../../src/process/tls/live-tls.js';
import { openMongoStore } from '../../src/store/mongo/store.js';
import { TestAuthority, type Certified } from '../support/certificates.js';
import { testServers } from '../support/servers.js';
import { TcpProxy } from '../support/tcp-proxy.js';
import { TlsFolder } from '../support/tls-files.js';
import { TlsFront } from '../support/tls-front.js';
import { until } from '../support/wait.js';

/** How one of the two servers is reached, whatever the way is. */
interface Way {
  name: 'MongoDB' | 'RabbitMQ';
  server: string;
  /** Resolves when it was reached; rejects with the reason that an operator reads. */
  reach: (port: number, tls: LiveTls | undefined) => Promise<void>;
}

/** One try: the reason stands in the line that the log gets. */
async function reachBroker(port: number, tls: LiveTls | undefined): Promise<void> {
  const lines: string[] = [];
  const warn = (line: string, fields?: object): void => void lines.push(`${line} ${JSON.stringify(fields)}`);
  const url = testServers()
    .amqpUrl.replace(/^amqp:/, 'amqps:')
    .replace(new URL(testServers().amqpUrl).host, `127.0.0.1:${port}`);
  const secured = tls ? { tls: { secureContext: tls.secureContext } } : {};
  const options = { url, name: 'tls', prefix: `tls${process.pid}.`, random: () => 0, log: { ...silentLog, warn }, ...secured };
  const broker: AmqpBroker = createAmqpBroker(options, { ...DEFAULT_AMQP_TIMING, connectMs: 3_000 });
  try {
    void broker.start();
    await until('it is up, or says why not', () => broker.status().state === 'up' || lines.length > 0);
    if (lines.length > 0) throw new Error(lines[0]);
  } finally {
    await broker.close();
  }
}

async function reachDatabase(port: number, tls: LiveTls | undefined): Promise<void> {
  const url = testServers().mongoUrl.replace(new URL(testServers().mongoUrl).host, `127.0.0.1:${port}`);
  const secured = tls ? { tls: { secureContext: tls.secureContext } } : {};
  const store = await openMongoStore({ url, appName: 'tls', log: silentLog, ...secured });
  await store.close();
}

const WAYS: readonly Way[] = [
  { name: 'MongoDB', server: 'mongo', reach: reachDatabase },
  { name: 'RabbitMQ', server: 'amqp', reach: reachBroker },
];

for (const { name, server, reach } of WAYS) {
  describe(`${name} over TLS`, function () {
    this.timeout(120_000);
    let folder: TlsFolder;
    let front: TlsFront;

    beforeEach(async () => {
      folder = new TlsFolder();
      const url = server === 'mongo' ? testServers().mongoUrl : testServers().amqpUrl;
      front = await TlsFront.before(url, asking(folder.issue('server', { hosts: true })), server === 'mongo');
      folder.issue('client');
    });
    afterEach(async () => {
      await front.close();
      folder.remove();
    });

    const asking = (shown: Certified): object => ({
      ...shown,
      ca: folder.authority.ca,
      requestCert: true,
      rejectUnauthorized: true,
    });
    const live = (more = {}): LiveTls => new LiveTls(server, folder.files('client', more), new Date());
    const reasonOf = (attempt: Promise<void>): Promise<string> =>
      attempt.then(
        () => 'reached',
        (error: unknown) => String(error),
      );

    it('is reached with the authority, a client certificate and a revocation list', async () => {
      expect(await reasonOf(reach(front.port, live()))).to.equal('reached');
      expect(front.accepted).to.be.greaterThan(0);
    });

    for (const [title, certificate, reason] of [
      [
        'has expired',
        () => folder.authority.issue('server', { hosts: true, to: new Date(Date.now() - 60_000) }),
        /certificate has expired/,
      ],
      ['was revoked', () => revoked(), /certificate revoked/],
      [
        'is of another host',
        () => folder.authority.issue('server', { hosts: 'db.example.org' }),
        /does not match certificate's altnames/,
      ],
      [
        'is of an authority that is not known',
        () => new TestAuthority().issue('server', { hosts: true }),
        /unable to|self.signed/,
      ],
    ] as [string, () => Certified, RegExp][]) {
      it(`is refused where its certificate ${title}, with the reason, and reached after that was mended`, async () => {
        const shown = certificate();
        folder.publishCrl();
        front.show(asking(shown));
        const tls = live();
        expect(await reasonOf(reach(front.port, tls))).to.match(reason);
        front.show(asking(folder.issue('server', { hosts: true })));
        expect(await reasonOf(reach(front.port, tls))).to.equal('reached');
      });
    }

    it('is refused without the authority, and without a certificate of the client', async () => {
      expect(await reasonOf(reach(front.port, new LiveTls(server, folder.files(), new Date())))).to.not.equal('reached');
      const stranger = new TlsFolder();
      expect(await reasonOf(reach(front.port, new LiveTls(server, stranger.files(), new Date())))).to.match(
        /unable to|self.signed/,
      );
      stranger.remove();
    });

    it('is never talked to in the open where TLS is set', async () => {
      const url = server === 'mongo' ? testServers().mongoUrl : testServers().amqpUrl;
      const plain = await TcpProxy.before(url, 0);
      try {
        expect(await reasonOf(reach(plain.port, live()))).to.match(/SSL|TLS|timed out|closed|disconnected|within/i);
      } finally {
        await plain.close();
      }
    });

    it('is reached with a certificate, and refused with a revocation list, that came after the start', async () => {
      folder.put('client.pem', new TestAuthority().issue('client').cert);
      const wrong = new TestAuthority().issue('client');
      folder.put('client.pem', wrong.cert);
      folder.put('client.key', wrong.key);
      const tls = live();
      expect(await reasonOf(reach(front.port, tls))).to.not.equal('reached');
      folder.issue('client');
      expect(tls.reread(new Date())).to.equal(true);
      expect(await reasonOf(reach(front.port, tls))).to.equal('reached');
      const shown = folder.issue('server', { hosts: true });
      front.show(asking(shown));
      folder.authority.revoke(shown);
      folder.publishCrl();
      expect(await reasonOf(reach(front.port, tls)), 'not read yet').to.equal('reached');
      tls.reread(new Date());
      expect(await reasonOf(reach(front.port, tls))).to.match(/certificate revoked/);
    });

    function revoked(): Certified {
      const certified = folder.authority.issue('server', { hosts: true });
      folder.authority.revoke(certified);
      return certified;
    }
  });
}

describe('A driver', () => {
  it('makes each connection with what the object then holds', async () => {
    const folder = new TlsFolder();
    const shown = folder.issue('server', { hosts: true });
    const front = await TlsFront.before(testServers().amqpUrl, shown);
    const stranger = new TestAuthority();
    folder.put('ca.pem', stranger.ca);
    folder.put('ca.crl', stranger.crl());
    const tls = new LiveTls('amqp', folder.files(), new Date());
    const { secureContext } = tls;
    const outcome = (): Promise<string> =>
      new Promise(resolve => {
        const socket = connectTls({ host: '127.0.0.1', port: front.port, secureContext });
        socket.once('secureConnect', () => resolve('connected')).once('error', (error: Error) => resolve(error.message));
        socket.once('secureConnect', () => socket.destroy());
      });
    expect(await outcome()).to.match(/unable to|self.signed/);
    folder.put('ca.pem', folder.authority.ca);
    folder.publishCrl();
    tls.reread(new Date());
    expect(await outcome()).to.equal('connected');
    await front.close();
    folder.remove();
  });
});
