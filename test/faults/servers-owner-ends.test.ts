import { expect } from 'chai';
import { once } from 'node:events';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { amqpGreeting } from '../../src/servers/rabbit/amqp-probe.js';
import { scratchFolder } from '../unit/servers/scratch.js';
import { until } from '../support/wait.js';
import { processesOf, startCommand, type Command } from '../support/server-commands.js';

const answers = (command: Command) => amqpGreeting(Number(new URL(command.amqpUrl).port), 5_000).catch(() => undefined);

describe('real servers of a command', function () {
  this.timeout(120_000);
  let scratch: ReturnType<typeof scratchFolder>;
  beforeEach(() => (scratch = scratchFolder()));
  afterEach(async () => {
    for (const { process: owner } of started.splice(0)) owner.kill('SIGKILL');
    await until('no process is left', () => processesOf(scratch.path).length === 0);
    scratch.remove();
  });
  const started: Command[] = [];
  const start = async (namedMongo?: string) => {
    const command = await startCommand(scratch.path, namedMongo);
    started.push(command);
    return command;
  };
  const runs = () => readdirSync(join(scratch.path, 'run'));

  it('are named in a file while they run, and end in order with it on SIGTERM, even when it comes twice', async () => {
    const command = await start();
    const file = join(scratch.path, 'dev-servers.json');
    expect(JSON.parse(readFileSync(file, 'utf8'))).to.deep.equal({ mongoUrl: command.mongoUrl, amqpUrl: command.amqpUrl });
    command.process.kill('SIGTERM');
    command.process.kill('SIGTERM');
    expect(await once(command.process, 'exit')).to.deep.equal([0, null]);
    expect(existsSync(file)).to.equal(false);
    expect(runs()).to.deep.equal([]);
    expect(processesOf(scratch.path)).to.deep.equal([]);
  });

  it('end when it is killed with kill -9, every process of them', async () => {
    const command = await start();
    expect(processesOf(scratch.path).length).to.be.greaterThan(3);
    command.process.kill('SIGKILL');
    await until('no process is left', () => processesOf(scratch.path).length === 0);
    expect(await answers(command)).to.equal(undefined);
    expect(runs()).to.deep.equal([]);
  });

  it('are ended by the next command when it and the guardian were killed, and those of a living one stay', async () => {
    const named = 'mongodb://127.0.0.1:1'; // RabbitMQ alone is enough here, and sooner there
    const [living, killed] = await Promise.all([start(named), start(named)]);
    const folder = join(scratch.path, 'run', runs().find(name => name.startsWith(`${killed.process.pid}-`)) ?? '');
    const guardian = Number(/^guardian\.(\d+)-/m.exec(readdirSync(join(folder, 'processes')).join('\n'))?.[1]);
    process.kill(guardian, 'SIGKILL');
    killed.process.kill('SIGKILL');
    await once(killed.process, 'exit');
    expect(await answers(killed), 'left behind').to.be.a('string');

    const next = await start(named);
    expect(next.reported()).to.include('ended the servers of 1 command that had been killed');
    expect(await answers(killed)).to.equal(undefined);
    expect(existsSync(folder)).to.equal(false);
    expect(await answers(living)).to.be.a('string');
    expect(await answers(next)).to.be.a('string');
    for (const command of [living, next]) command.process.kill('SIGTERM');
    await until('no process is left', () => processesOf(scratch.path).length === 0);
    expect(runs()).to.deep.equal([]);
  });
});
