import { connect } from 'amqplib';
import { expect } from 'chai';
import { MongoClient } from 'mongodb';
import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { provideServers, type ProvidedServers } from '../../src/servers/servers.js';
import { scratchFolder, withEnvironment } from '../unit/servers/scratch.js';
import { parseName } from '../../src/servers/processes/identity.js';
import { until } from '../support/wait.js';
import { listeningAddresses, SERVERS_CACHE } from '../support/server-commands.js';

const QUEUE = 'kept';
const LOOPBACK = ['0100007F', '00000000000000000000000001000000', '0000000000000000FFFF00000100007F']; // 127.0.0.1, ::1, and the first as IPv6

async function withMongo<T>(url: string, work: (client: MongoClient) => Promise<T>): Promise<T> {
  const client = await MongoClient.connect(url, { serverSelectionTimeoutMS: 10_000, writeConcern: { w: 'majority' } });
  try {
    return await work(client);
  } finally {
    await client.close();
  }
}

async function send(url: string): Promise<void> {
  const connection = await connect(url, { timeout: 10_000 });
  const channel = await connection.createConfirmChannel();
  await channel.assertQueue(QUEUE, { durable: true, arguments: { 'x-queue-type': 'quorum' } });
  channel.sendToQueue(QUEUE, Buffer.from('word'), { persistent: true });
  await channel.waitForConfirms();
  await connection.close();
}

async function waiting(url: string): Promise<number | undefined> {
  const connection = await connect(url, { timeout: 10_000 });
  connection.on('error', () => undefined);
  try {
    const channel = await connection.createChannel();
    channel.on('error', () => undefined);
    return (await channel.checkQueue(QUEUE)).messageCount;
  } catch {
    return undefined; // no such queue
  } finally {
    await connection.close().catch(() => undefined);
  }
}

/** A quorum queue counts its messages anew after a start, some moments after the broker serves. */
const holdsTheMessage = (url: string) => until('the message is there', async () => (await waiting(url)) === 1);

describe('provided servers', function () {
  this.timeout(120_000);
  const scratch = scratchFolder();
  const lines: string[] = [];
  let servers: Required<ProvidedServers>;
  const provide = (more: { dataDirectory?: string } = {}) =>
    withEnvironment({ INTERLOCK_SERVERS_CACHE: SERVERS_CACHE }, async () => {
      const options = {
        directory: scratch.path,
        need: { mongo: true, amqp: true },
        report: (line: string) => lines.push(line),
        testCommands: true,
      };
      return (await provideServers({ ...options, ...more })) as Required<ProvidedServers>;
    });
  before(async () => (servers = await provide()));
  after(async () => {
    await servers.stop();
    scratch.remove();
  });

  it('are a MongoDB that takes transactions and a RabbitMQ that takes quorum queues, on loopback only', async () => {
    await withMongo(servers.mongoUrl, async client => {
      await client.withSession(session =>
        session.withTransaction(() => client.db('a').collection('b').insertOne({ ok: true }, { session })),
      );
      const { transactionLifetimeLimitSeconds } = await client
        .db('admin')
        .command({ getParameter: 1, transactionLifetimeLimitSeconds: 1 });
      expect(transactionLifetimeLimitSeconds).to.equal(10);
      await client.db('admin').command({ configureFailPoint: 'failCommand', mode: 'off' }); // only with testCommands
    });
    await send(servers.amqpUrl);
    await holdsTheMessage(servers.amqpUrl);
    const [run = ''] = readdirSync(join(scratch.path, 'run'));
    const pids = readdirSync(join(scratch.path, 'run', run, 'processes')).map(name => parseName(name)!.pid);
    const addresses = new Set(pids.flatMap(listeningAddresses));
    expect([...addresses].filter(address => !LOOPBACK.includes(address))).to.deep.equal([]);
    expect(addresses).to.include(LOOPBACK[0]);
  });

  it('are named in one line, with how to use others', () => {
    const line = lines.find(text => text.startsWith('MongoDB '));
    expect(line).to.match(
      /^MongoDB \d+\.\d+\.\d+ \(.+\) on port \d+, RabbitMQ \d+\.\d+\.\d+ \(.+\) on port \d+, started in \d+\.\d s; /,
    );
    expect(line).to.include('INTERLOCK_MONGO_URL').and.include('INTERLOCK_AMQP_URL');
  });

  it('answer rabbitmqctl, by a user of their own instead of guest', async () => {
    expect(await servers.rabbit.ctl(['list_users', '-q'])).to.match(/^user\ttags\ninterlock\t\[administrator\]\n$/);
  });

  it('keep what they confirmed when they are killed and started again', async () => {
    await withMongo(servers.mongoUrl, client => client.db('a').collection('kept').insertOne({ ok: true }));
    await servers.rabbit.restart(); // a quorum queue that is younger than a second does not survive, see kill9
    const [mongoPid, rabbitPid] = [servers.mongo.pid, servers.rabbit.pid];
    await Promise.all([servers.mongo.kill9(), servers.rabbit.kill9()]);
    expect([servers.mongo.ended(), servers.rabbit.ended()]).to.deep.equal(['SIGKILL', 'SIGKILL']);
    await Promise.all([servers.mongo.start(), servers.rabbit.start()]);
    expect(servers.mongo.pid).not.to.equal(mongoPid);
    expect(servers.rabbit.pid).not.to.equal(rabbitPid);
    expect(await withMongo(servers.mongoUrl, client => client.db('a').collection('kept').countDocuments())).to.equal(1);
    await holdsTheMessage(servers.amqpUrl);
    expect(lines.filter(line => line.includes('unexpectedly'))).to.deep.equal([]);
  });

  it('stop answering while they are stopped, and go on after it', async () => {
    servers.mongo.signal('SIGSTOP');
    const client = new MongoClient(servers.mongoUrl, { serverSelectionTimeoutMS: 500, connectTimeoutMS: 500 });
    const answer = await client.connect().then(
      () => 'answered',
      () => 'silent',
    );
    await client.close();
    servers.mongo.signal('SIGCONT');
    expect(answer).to.equal('silent');
    expect(await withMongo(servers.mongoUrl, again => again.db('a').collection('kept').countDocuments())).to.equal(1);
  });

  it('can lose everything that RabbitMQ held', async () => {
    await servers.rabbit.kill9();
    servers.rabbit.wipe();
    await servers.rabbit.start();
    expect(await waiting(servers.amqpUrl)).to.equal(undefined);
  });

  it('start again in order', async () => {
    await Promise.all([servers.mongo.restart(), servers.rabbit.restart()]);
    expect(await withMongo(servers.mongoUrl, client => client.db('a').collection('kept').countDocuments())).to.equal(1);
    await send(servers.amqpUrl);
  });

  it('keep their data in a named folder, while a second command with the same folder gets its own', async () => {
    const dataDirectory = join(scratch.path, 'data');
    const first = await provide({ dataDirectory });
    await withMongo(first.mongoUrl, client => client.db('a').collection('long').insertOne({ ok: true }));
    await send(first.amqpUrl);
    const second = await provide({ dataDirectory });
    expect(lines.some(line => line.includes(`${dataDirectory} is in use by process ${process.pid}`))).to.equal(true);
    expect(await withMongo(second.mongoUrl, client => client.db('a').collection('long').countDocuments())).to.equal(0);
    await Promise.all([first.stop(), second.stop()]);
    const third = await provide({ dataDirectory });
    expect([third.mongoUrl, third.amqpUrl]).to.deep.equal([first.mongoUrl, first.amqpUrl]);
    expect(await withMongo(third.mongoUrl, client => client.db('a').collection('long').countDocuments())).to.equal(1);
    await holdsTheMessage(third.amqpUrl);
    await third.stop();
  });

  it('leave nothing behind when they are stopped, even twice', async () => {
    const more = await provide();
    const folders = readdirSync(join(scratch.path, 'run'));
    expect(folders).to.have.length(2);
    await Promise.all([more.stop(), more.stop()]);
    await more.stop();
    expect(readdirSync(join(scratch.path, 'run'))).to.have.length(1);
    for (const pid of [more.mongo.pid, more.rabbit.pid]) expect(existsSync(`/proc/${pid}`)).to.equal(false);
  });
});
