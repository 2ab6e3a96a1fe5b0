import { expect } from 'chai';
import { existsSync, readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { startGuardian } from '../../../src/servers/processes/guardian.js';
import { sight } from '../../../src/servers/processes/identity.js';
import { createRunFolder, type RunFolder } from '../../../src/servers/processes/run-folder.js';
import { launch, logTail, type Keeper, type ServerProcess } from '../../../src/servers/processes/server-process.js';
import { until } from '../../support/wait.js';
import { scratchFolder } from './scratch.js';

describe('a server process', () => {
  let scratch: ReturnType<typeof scratchFolder>;
  let folder: RunFolder;
  let keeper: Keeper;
  let told: string[];
  const started: ServerProcess[] = [];
  beforeEach(() => {
    scratch = scratchFolder();
    folder = createRunFolder(scratch.path);
    told = [];
    keeper = { folder, guardian: startGuardian(folder, 0), tell: line => told.push(line) };
  });
  afterEach(async () => {
    await Promise.all(started.splice(0).map(server => server.end(0)));
    keeper.guardian.dismiss();
    await until('the guardian has left', () => sight(keeper.guardian.identity) !== 'alive');
    scratch.remove();
  });
  const log = () => join(folder.path, 'server.log');
  const start = (script: string): ServerProcess => {
    const command = ['/bin/sh', '-c', script];
    const server = launch({ name: 'server', command, env: { WORD: 'hello' }, cwd: scratch.path, logFile: log() }, keeper);
    started.push(server);
    return server;
  };

  it('keeps its pid, gets its environment and folder, and writes to its log', async () => {
    const server = start('echo $$ $WORD; pwd; echo trouble >&2; exit 3');
    await until('it has ended', () => server.ended());
    expect(server.ended()).to.equal('exit code 3');
    expect(readFileSync(log(), 'utf8')).to.equal(`${server.identity.pid} hello\n${scratch.path}\ntrouble\n`);
    expect(logTail(log(), 1)).to.equal('    trouble');
    expect(readdirSync(join(folder.path, 'processes'))).to.include(`server.${server.identity.pid}-${server.identity.ticks}`);
  });

  it('says so when the program does not exist', async () => {
    const server = launch({ name: 'server', command: ['/does/not/exist'], env: {}, cwd: '/', logFile: log() }, keeper);
    await until('it has ended', () => server.ended());
    expect(server.ended()).to.equal('exit code 127');
    expect(logTail(log())).to.include('/does/not/exist');
  });

  it('is given time after TERM, and its whole group ends with it', async () => {
    const server = start(`trap 'echo bye; exit 0' TERM; sleep 600 & echo $! > pid; while :; do sleep 0.05; done`);
    const child = Number(
      await until(
        'its child runs',
        () => existsSync(join(scratch.path, 'pid')) && readFileSync(join(scratch.path, 'pid'), 'utf8'),
      ),
    );
    await server.end(10_000);
    expect(server.ended()).to.equal('exit code 0');
    expect(readFileSync(log(), 'utf8')).to.include('bye\n');
    await until(
      'the child has ended',
      () => !existsSync(`/proc/${child}`) || readFileSync(`/proc/${child}/stat`, 'utf8').includes(') Z'),
    );
    await server.end(10_000); // once more is nothing
  });

  it('is killed when TERM does not end it', async () => {
    const server = start(`trap '' TERM; echo up; while :; do sleep 0.05; done`);
    await until('it ignores TERM', () => readFileSync(log(), 'utf8') === 'up\n');
    await server.end(100);
    expect(server.ended()).to.equal('SIGKILL');
  });

  it('is reported when it ends by itself, and not when it was ended', async () => {
    const [first, second] = [start('sleep 600'), start('sleep 600')];
    first.tellUnexpectedEnd(keeper.tell);
    second.tellUnexpectedEnd(keeper.tell);
    await first.end(0);
    expect(told).to.deep.equal([]);
    second.signal('SIGKILL');
    await until('somebody is told', () => told.length > 0);
    expect(told[0]).to.match(/^server ended unexpectedly \(SIGKILL\); its log is /);
  });
});
