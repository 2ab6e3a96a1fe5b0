import { PassThrough } from 'node:stream';

import { expect } from 'chai';
import { fastify } from 'fastify';

import { fastifyLogger } from '../../../src/process/fastify-logger.js';
import { createLogger } from '../../../src/process/logger.js';

describe("Fastify's logger", () => {
  it('logs requests by what identifies them, never their headers, under their correlation id', async () => {
    const stream = new PassThrough();
    let text = '';
    stream.on('data', (chunk: Buffer) => (text += chunk.toString()));
    const logger = createLogger({ role: 'api', instance: 'a', level: 'trace', format: 'json', stream });
    const app = fastify({ loggerInstance: fastifyLogger(logger), genReqId: () => 'request-1' });
    app.get('/ok', () => ({ ok: true }));
    app.get('/broken', () => {
      throw new Error('a bug');
    });

    await app.inject({ url: '/ok', headers: { authorization: 'Bearer hush' } });
    await app.inject({ url: '/broken' });
    await app.close();
    await logger.close();

    const lines = text
      .split('\n')
      .filter(line => line !== '')
      .map(line => JSON.parse(line) as Record<string, unknown>);
    expect(text).to.not.include('hush');
    expect(lines.find(line => line.message === 'incoming request')).to.include({
      method: 'GET',
      url: '/ok',
      correlationId: 'request-1',
    });
    expect(lines.find(line => line.status === 200)).to.include({ message: 'request completed' });
    expect(lines.find(line => line.level === 'error')).to.have.nested.property('err.message', 'a bug');
  });
});
