import { expect } from 'chai';
import { run } from '../../../src/servers/processes/command.js';
import { SetupError } from '../../../src/servers/setup-error.js';
import { rejection } from './scratch.js';

describe('an external command', () => {
  it('gives what it prints', async () => {
    expect(await run('/bin/sh', ['-c', 'echo out; echo err >&2'], { timeoutMs: 10_000 })).to.equal('out\n');
  });

  it('fails with its last lines', async () => {
    const error = await rejection(run('/bin/sh', ['-c', 'echo why it failed >&2; exit 7'], { timeoutMs: 10_000 }));
    expect(error).to.be.instanceOf(SetupError).with.property('code', 'command-failed');
    expect((error as Error).message).to.equal('/bin/sh -c ended with 7:\n    why it failed');
  });

  it('fails by name when it is not on this machine', async () => {
    const error = await rejection(run('no-such-program', [], { timeoutMs: 10_000 }));
    expect(error).to.be.instanceOf(SetupError).with.property('code', 'command-missing');
    expect((error as Error).message).to.equal('no-such-program is not on this machine');
  });

  it('is killed at its deadline', async () => {
    const error = await rejection(run('/bin/sh', ['-c', 'exec sleep 600'], { timeoutMs: 100 }));
    expect((error as Error).message).to.include('did not end within 0.1 s');
  });
});
