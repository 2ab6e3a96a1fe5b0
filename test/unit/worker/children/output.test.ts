import { PassThrough } from 'node:stream';

import { expect } from 'chai';

import { outcomeOfDeath } from '../../../../src/worker/children/death.js';
import { Output } from '../../../../src/worker/children/output.js';
import { childEnvironment } from '../../../../src/worker/children/spawn-child.js';
import { encodeResult } from '../../../../src/tasks/result.js';
import { errorOf } from '../../../../src/tasks/body.js';

describe('What task code prints', () => {
  const printed = (...chunks: Buffer[]): { lines: string[]; output: Output } => {
    const lines: string[] = [];
    const stream = new PassThrough();
    const output = new Output(stream, line => void lines.push(line));
    for (const chunk of chunks) stream.emit('data', chunk);
    stream.emit('end');
    return { lines, output };
  };

  it('becomes lines, however it is cut, even inside a character', () => {
    const bytes = Buffer.from('one\r\ntwö\nthree');
    expect(printed(bytes.subarray(0, 8), bytes.subarray(8)).lines).to.deep.equal(['one', 'twö', 'three']);
  });

  it('is bounded in length and rate, and says what it dropped', () => {
    const { lines } = printed(Buffer.from('x'.repeat(100_000)));
    expect(lines.map(line => line.length)).to.deep.equal([4_096]);
    const many = printed(Buffer.from('line\n'.repeat(5_000))).lines;
    expect(many.length).to.be.within(1_000, 1_100);
  });

  it('is remembered to its last 2 KiB, for the report of a death', () => {
    const { output } = printed(Buffer.from(`${'noise\n'.repeat(2_000)}last words\n`));
    expect(output.tail)
      .to.match(/last words$/)
      .and.to.have.length.at.most(2_048);
    output.forget();
    expect(output.tail).to.equal('');
  });
});

describe('The end of a task', () => {
  const exit = { code: null, signal: 'SIGKILL' };

  it('by the death of its child has the reason of whoever ended it', () => {
    const alone = { canceled: undefined, fault: undefined, overtime: undefined, suspect: true };
    const canceled = { ...alone, canceled: 'user' as const };
    const lost = { kind: 'canceled', reason: 'worker-lost', exit };
    expect(outcomeOfDeath({ cause: { kind: 'worker-lost' }, exit, tail: '' }, canceled)).to.deep.equal(lost);
    const stopped = { cause: { kind: 'stop' as const }, exit, tail: '' };
    expect(outcomeOfDeath(stopped, canceled)).to.deep.equal({ kind: 'canceled', reason: 'user', exit });
    expect(outcomeOfDeath(stopped, alone)).to.deep.equal({ kind: 'canceled', reason: 'worker-shutdown', exit });
    expect(outcomeOfDeath({ cause: undefined, exit, tail: 'why' }, alone).kind).to.equal('failed');
    const fault = { code: 'CHILD_DIED', message: 'it was this one' };
    expect(outcomeOfDeath({ cause: undefined, exit, tail: '' }, { ...alone, fault })).to.deep.include({
      kind: 'failed',
      error: fault,
    });
    expect(outcomeOfDeath({ cause: undefined, exit, tail: '' }, { ...alone, suspect: false })).to.deep.equal(lost);
  });

  it('keeps what is thrown, whatever that is', () => {
    const hostile = { toString: () => { throw new Error('no'); } }; // prettier-ignore
    const thrown = [hostile, null, undefined, 'text', Object.create(null), new Proxy({}, { getPrototypeOf: () => { throw new Error('no'); } })]; // prettier-ignore
    for (const value of thrown) expect(errorOf(value)).to.have.property('code', 'TASK_ERROR');
    expect(errorOf(Object.assign(new Error('x'), { code: 'lower' })).code).to.equal('TASK_ERROR');
    expect(errorOf(Object.assign(new Error('x'), { code: 'ENOENT' })).code).to.equal('ENOENT');
  });

  it('keeps a result that the database can hold', () => {
    const nested = (levels: number): unknown => (levels === 0 ? 1 : [nested(levels - 1)]);
    expect(encodeResult(undefined, 4)).to.deep.equal({ result: null, bytes: 4 });
    expect(encodeResult({ at: new Date(0), gone: undefined, ü: 'ü' }, 100)).to.deep.include({
      result: { at: '1970-01-01T00:00:00.000Z', ü: 'ü' },
    });
    expect(encodeResult(nested(90), 1_000)).to.have.property('result');
    for (const value of [nested(91), { 'a\0b': 1 }, { deep: [{ _bsontype: 'ObjectId' }] }, Symbol('s')]) {
      expect(encodeResult(value, 1_000)).to.have.nested.property('error.code', 'RESULT_NOT_JSON');
    }
    expect(encodeResult('ü', 4)).to.have.property('bytes', 4);
    expect(encodeResult('üü', 4)).to.have.nested.property('error.code', 'RESULT_TOO_LARGE');
  });
});

describe('The environment of task code', () => {
  it('holds what is always allowed and what is named, but never our own or systemd’s', () => {
    const secret = {
      INTERLOCK_AMQP_URL: 'x',
      NOTIFY_SOCKET: 'x',
      WATCHDOG_USEC: 'x',
      LISTEN_FDS: 'x',
      EXTRA: 'yes',
      UNNAMED: 'x',
    };
    Object.assign(process.env, secret);
    const names = Object.keys(secret).filter(name => name !== 'UNNAMED');
    const env = childEnvironment(names, 'mark');
    for (const name of Object.keys(secret)) Reflect.deleteProperty(process.env, name);
    expect(env).to.include({ EXTRA: 'yes', INTERLOCK_CHILD: 'mark', PATH: process.env.PATH });
    expect(env).to.not.have.any.keys('INTERLOCK_AMQP_URL', 'NOTIFY_SOCKET', 'WATCHDOG_USEC', 'LISTEN_FDS', 'UNNAMED');
  });
});
