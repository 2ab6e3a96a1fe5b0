import { PassThrough } from 'node:stream';

import { expect } from 'chai';

import { createLogger, type LoggerOptions, type ProcessLogger } from '../../../src/process/logger.js';

function capture(options: Partial<LoggerOptions> = {}): { logger: ProcessLogger; lines: () => Promise<string[]> } {
  const stream = new PassThrough();
  let text = '';
  stream.on('data', (chunk: Buffer) => (text += chunk.toString()));
  const logger = createLogger({ role: 'api', instance: 'api@host', level: 'info', format: 'json', stream, ...options });
  const lines = async (): Promise<string[]> => {
    await logger.close();
    return text.split('\n').filter(line => line !== '');
  };
  return { logger, lines };
}

async function jsonOf(write: (logger: ProcessLogger) => void): Promise<Record<string, unknown>> {
  const { logger, lines } = capture();
  write(logger);
  return JSON.parse((await lines())[0]!) as Record<string, unknown>;
}

describe('The logger', () => {
  it('puts time, level, role, instance and message on every line', async () => {
    const line = await jsonOf(logger => logger.info('Ready.', { taskId: 't1', correlationId: 'c1' }));
    expect(line).to.include({
      level: 'info',
      role: 'api',
      instance: 'api@host',
      message: 'Ready.',
      taskId: 't1',
      correlationId: 'c1',
    });
    expect(Date.parse(line.time as string)).to.be.closeTo(Date.now(), 60_000);
  });

  it('writes an error with name, message, stack, code and cause', async () => {
    const err = Object.assign(new TypeError('broken', { cause: new Error('deeper') }), { code: 'E_TEST' });
    const line = await jsonOf(logger => logger.error('It failed.', { err }));
    expect(line.err).to.include({ name: 'TypeError', message: 'broken', code: 'E_TEST' });
    expect(line).to.have.nested.property('err.stack').that.includes('logger.test');
    expect(line).to.have.nested.property('err.cause.message', 'deeper');
    expect(line.message).to.equal('It failed.');
  });

  it('keeps a message in one line and out of control of the terminal', async () => {
    const { logger, lines } = capture({ format: 'pretty' });
    logger.info('one\ntwo \u001b[31mred\u009b1m', { name: 'x\u001b]0;title\u0007y' });
    const [line, ...more] = await lines();
    expect(more).to.be.empty;
    expect(line).to.match(/one two\s+\[31mred 1m name=x \]0;title y$/);
  });

  it('hides secrets by key and passwords in URLs, wherever they stand', async () => {
    const line = await jsonOf(logger =>
      logger.warn('Cannot reach amqp://guest:p@ss@host/v.', {
        proxy_password: 'a1',
        nested: [{ authorization: 'b2', url: 'mongodb://u:c3@h/db' }],
        tokens: 3,
      }),
    );
    expect(JSON.stringify(line)).to.not.match(/p@ss|a1|b2|c3/);
    expect(line.message).to.equal('Cannot reach amqp://guest:***@host/v.');
    expect(line.tokens).to.equal(3);
    const token = `ilk_abcd${'x'.repeat(39)}`;
    const told = await jsonOf(logger => logger.warn(`Sent ${token} there.`, { args: ['a', `Bearer ${token}`] }));
    expect(told.message).to.equal('Sent ilk_abcd*** there.');
    expect(told.args).to.deep.equal(['a', 'Bearer ilk_abcd***']);
  });

  it('survives fields that JSON cannot hold', async () => {
    const circular: Record<string, unknown> = { big: 12n, when: new Date(NaN), run: () => 1, map: new Map([['k', 1]]) };
    circular.self = circular;
    Object.defineProperty(circular, 'bad', { enumerable: true, get: () => expect.fail('read') });
    const line = await jsonOf(logger => logger.info('odd', { circular, ok: { big: 12n, map: new Map([['k', 1]]) } }));
    expect(line.circular).to.equal('<unreadable>');
    expect(line.ok).to.deep.equal({ big: '12', map: { k: 1 } });
  });

  it('leaves out what is below its level, and gives children their fields', async () => {
    const { logger, lines } = capture({ level: 'debug' });
    const child = logger.child({ worker: 'w1' }).child({ taskId: 't2' });
    child.trace('not this');
    child.debug('this');
    logger.fatal('and this');
    const written = (await lines()).map(line => JSON.parse(line) as Record<string, unknown>);
    expect(written.map(line => line.message)).to.deep.equal(['this', 'and this']);
    expect(written[0]).to.include({ worker: 'w1', taskId: 't2' });
    expect(written[1]).to.not.have.property('worker');
  });

  it('has written everything when close resolves, and ignores what comes later', async () => {
    const { logger, lines } = capture();
    for (let n = 0; n < 500; n++) logger.info(`line ${n}`);
    expect(await lines()).to.have.length(500);
    logger.info('too late');
    await logger.close();
    expect(await lines()).to.have.length(500);
  });
});
