import { expect } from 'chai';

import { OpenBind } from '../../../src/api/bind.js';
import { ConfigError } from '../../../src/config/config-error.js';
import { listening } from '../../../src/main/api.js';

describe('Where the API is to listen', () => {
  /** Starts as often as there are no more errors. */
  const api = (...errors: Error[]): { name: 'api'; starts: number; start: () => Promise<void>; stop: () => Promise<void> } => ({
    name: 'api',
    starts: 0,
    start() {
      const error = errors[this.starts];
      this.starts += 1;
      return error ? Promise.reject(error) : Promise.resolve();
    },
    stop: () => Promise.resolve(),
  });
  const system = (code: string): Error => Object.assign(new Error(`listen ${code}`), { code });
  const refusal = async (error: Error): Promise<unknown> =>
    listening(api(error), { host: '192.0.2.1', port: 80 }, false)
      .start()
      .catch((thrown: unknown) => thrown);

  for (const [code, says] of [
    ['EADDRINUSE', 'is in use by another process'],
    ['EACCES', 'expected a port above 1023'],
    ['EADDRNOTAVAIL', 'is no address of this machine'],
    ['ENOTFOUND', 'is no known host'],
  ] as const) {
    it(`is a fault of the settings: ${code}`, async () => {
      const error = await refusal(system(code));
      expect(error).to.be.instanceOf(ConfigError);
      const [problem] = (error as ConfigError).problems;
      expect(problem).to.include({ key: 'api.port', source: 'INTERLOCK_API_PORT or --port' });
      expect(problem?.detail).to.include('192.0.2.1:80').and.include(says);
    });
  }

  it('is a fault of the settings where strangers reach it and nobody has a token', async () => {
    const error = await refusal(new OpenBind('0.0.0.0', 'there are no tokens'));
    expect((error as ConfigError).problems[0]).to.include({ key: 'api.host', source: 'INTERLOCK_API_HOST or --host' });
  });

  it('is told as it is when it is something else', async () => {
    const other = system('EMFILE');
    expect(await refusal(other)).to.equal(other);
  });

  it('is any free port where that is as good', async () => {
    const settings = { host: '127.0.0.1', port: 8_787 };
    const taken = api(system('EADDRINUSE'));
    await listening(taken, settings, true).start();
    expect([taken.starts, settings.port]).to.deep.equal([2, 0]);
  });
});
