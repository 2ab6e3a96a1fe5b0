import { expect } from 'chai';
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { existsSync, mkdirSync, readdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import type { Cache } from '../../../src/servers/binaries/cache.js';
import { fetchBuild } from '../../../src/servers/binaries/mongo-download.js';
import { findMongo } from '../../../src/servers/binaries/mongo-binary.js';
import { findRabbit } from '../../../src/servers/binaries/rabbit-binary.js';
import { suiteRabbit } from '../../../src/servers/binaries/rabbit-suite.js';
import { describeSetupError, SetupError } from '../../../src/servers/setup-error.js';
import { fakeProgram, rejection, scratchFolder, withEnvironment } from './scratch.js';

// A PATH with a shell's bare necessities and the programs of one test: no apt, no npm, no servers.
const NECESSITIES = ['sh', 'tar', 'gzip', 'cat', 'cp'];

describe('finding the servers’ programs', () => {
  let scratch: ReturnType<typeof scratchFolder>;
  let bin: string;
  let cache: Cache;
  let lines: string[];
  beforeEach(() => {
    scratch = scratchFolder();
    bin = join(scratch.path, 'bin');
    lines = [];
    cache = { folder: join(scratch.path, 'cache'), report: line => lines.push(line) };
    for (const name of NECESSITIES) fakeProgram(bin, name, `exec /bin/${name} "$@"`);
  });
  afterEach(() => scratch.remove());
  const alone = <T>(work: () => Promise<T>) => withEnvironment({ PATH: bin }, work);

  /** The package that knows the addresses, as if it had been fetched, with an answer of the test's. */
  const giveAddress = (url: string) => {
    const place = join(cache.folder, 'mongodb-addresses-1');
    const library = join(place, 'node_modules/mongodb-memory-server-core/lib/util');
    mkdirSync(library, { recursive: true });
    writeFileSync(
      join(library, 'MongoBinaryDownloadUrl.js'),
      `exports.MongoBinaryDownloadUrl = class { async getDownloadUrl() { return ${JSON.stringify(url)}; } };`,
    );
    writeFileSync(join(place, 'complete.json'), '{}');
  };

  it('takes the machine’s own mongod when it is recent enough', async () => {
    fakeProgram(bin, 'mongod', 'echo "db version v6.0.19"');
    const mongo = await alone(() => findMongo(cache));
    expect(mongo).to.deep.equal({ kind: 'system', version: '6.0.19', command: [join(bin, 'mongod')], env: {} });
    expect(lines).to.deep.equal([]);
  });

  it('names every way that was tried for MongoDB, and the ways on', async () => {
    fakeProgram(bin, 'mongod', 'echo "db version v4.4.29"');
    const error = (await rejection(alone(() => findMongo(cache)))) as SetupError;
    expect(error).to.be.instanceOf(SetupError).with.property('code', 'no-mongodb');
    expect(error.message).to.include('mongod is 4.4.29, and 5 or later is needed');
    expect(error.message).to.include('npm is not on this machine');
    const text = describeSetupError(error).join('\n');
    expect(text)
      .to.include('INTERLOCK_MONGO_URL')
      .and.not.match(/^\s+at /m);
  });

  it('says what to do where there is neither RabbitMQ nor apt', async () => {
    const error = (await rejection(alone(() => findRabbit(cache)))) as SetupError;
    expect(error).to.be.instanceOf(SetupError).with.property('code', 'no-rabbitmq');
    expect(error.message).to.equal('No RabbitMQ: no rabbitmq-server on this machine, and there is no apt to fetch it with');
    expect(describeSetupError(error).join('\n')).to.include('INTERLOCK_AMQP_URL').and.include('apt-get install rabbitmq-server');
  });

  it('gives apt’s own words when apt fails', async () => {
    fakeProgram(bin, 'apt-get', 'echo "E: Failed to fetch: Temporary failure resolving" >&2; exit 100');
    const error = (await rejection(alone(() => findRabbit(cache)))) as SetupError;
    expect(error).to.have.property('code', 'no-rabbitmq');
    expect(error.message).to.include('Temporary failure resolving');
    expect(readdirSync(cache.folder)).to.deep.equal(['rabbitmq-server-debian-1.lock']);
  });

  it('looks behind the wrapper that Debian puts on the PATH', async () => {
    const real = join(scratch.path, 'lib/rabbitmq/bin');
    for (const name of ['rabbitmq-server', 'rabbitmqctl', 'rabbitmq-script-wrapper']) fakeProgram(real, name, 'exit 0');
    fakeProgram(bin, 'epmd', 'exit 0');
    symlinkSync(join(real, 'rabbitmq-script-wrapper'), join(bin, 'rabbitmq-server'));
    expect(await alone(() => findRabbit(cache))).to.deep.equal({
      kind: 'system',
      scripts: real,
      epmd: join(bin, 'epmd'),
      env: {},
    });
  });

  it('says what is missing for RabbitMQ of another Debian suite, and refuses what is none', async () => {
    const without = (await rejection(alone(() => suiteRabbit(cache, 'trixie')))) as SetupError;
    expect(without).to.be.instanceOf(SetupError).with.property('code', 'command-missing');
    expect(without.message).to.include('RabbitMQ from Debian trixie needs apt-get');
    for (const suite of ['4', '../x', 'Trixie', 'a b']) {
      const refused = (await rejection(alone(() => suiteRabbit(cache, suite)))) as SetupError;
      expect(refused.message).to.include(`"${suite}" is no name of a Debian suite, such as trixie`);
    }
    expect(existsSync(cache.folder) ? readdirSync(cache.folder).filter(name => !name.endsWith('.lock')) : []).to.deep.equal([]);
  });

  describe('by MongoDB’s own build', () => {
    let server: Server;
    let answers: Record<string, Buffer>;
    beforeEach(async () => {
      answers = {};
      server = createServer((request, response) => {
        const body = answers[request.url ?? ''];
        response.writeHead(body ? 200 : 404).end(request.method === 'HEAD' ? undefined : body);
      }).listen(0, '127.0.0.1');
      await once(server, 'listening');
    });
    afterEach(() => {
      server.close();
      server.closeAllConnections();
    });
    const address = (path: string) => `http://127.0.0.1:${(server.address() as AddressInfo).port}${path}`;

    it('goes on at once when its host does not answer', async () => {
      giveAddress(address('/x.tgz'));
      server.close();
      const error = (await rejection(alone(() => findMongo(cache)))) as SetupError;
      expect(error.message).to.include('the server cannot be reached');
    });

    it('goes on when the file is not there', async () => {
      giveAddress(address('/x.tgz'));
      const error = (await rejection(alone(() => findMongo(cache)))) as SetupError;
      expect(error.message).to.include('the server answers 404');
    });

    it('keeps the server alone of an archive that is the pinned one', async () => {
      fakeProgram(join(scratch.path, 'made/mongodb-x/bin'), 'mongod', 'echo "db version v7.0.14"');
      fakeProgram(join(scratch.path, 'made/mongodb-x/bin'), 'mongos', 'exit 1');
      const archive = execFileSync('tar', ['-cz', '-C', join(scratch.path, 'made'), 'mongodb-x']);
      answers['/x.tgz'] = archive;
      const into = join(scratch.path, 'into');
      mkdirSync(into);
      const pinned = { 'x.tgz': `sha256-${createHash('sha256').update(archive).digest('base64')}` };
      expect(await fetchBuild(new URL(address('/x.tgz')), into, pinned)).to.deep.equal({ version: '7.0.14' });
      expect(readdirSync(into)).to.deep.equal(['bin']);
      expect(readdirSync(join(into, 'bin'))).to.deep.equal(['mongod']);
    });

    it('refuses a file that is not the pinned one', async () => {
      const body = Buffer.from('not a mongod');
      answers['/mongodb-linux-x86_64-ubuntu2204-7.0.14.tgz'] = body;
      giveAddress(address('/mongodb-linux-x86_64-ubuntu2204-7.0.14.tgz'));
      const error = (await rejection(alone(() => findMongo(cache)))) as SetupError;
      expect(error.message).to.include(`found sha256-${createHash('sha256').update(body).digest('base64')}`);
      expect(readdirSync(cache.folder).filter(name => name.startsWith('mongod-7') && !name.endsWith('.lock'))).to.deep.equal([]);
    });
  });
});
