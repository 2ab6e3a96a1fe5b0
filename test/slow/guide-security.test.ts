import { readFileSync } from 'node:fs';

import { expect } from 'chai';

import { Deployment } from '../support/deployment.js';
import { until } from '../support/wait.js';

interface Made {
  id: string;
  token: string;
}

/** From no token at all to one that is revoked, with the commands of the page and a whole API. */
describe('docs/security.md', function () {
  this.timeout(240_000);
  let deployment: Deployment;
  before(async () => void (deployment = await Deployment.create()));
  after(() => deployment.destroy());

  const cli = async (...args: string[]): Promise<{ code: number | null; stdout: string; stderr: string }> =>
    deployment.cli(...args);
  const statusOf = async (token: string | undefined): Promise<number> =>
    (await deployment.request('GET', '/api/v1/tasks', undefined, token === undefined ? {} : { authorization: `Bearer ${token}` }))
      .status;

  it('is what happens', async () => {
    const plain = deployment.start('api', [], { INTERLOCK_API_HOST: '0.0.0.0' });
    expect(await plain.exited).to.include({ code: 78 });
    expect(plain.output).to.include('api.host').and.include('api.tls.certificateFile');
    const behind = { INTERLOCK_API_HOST: '0.0.0.0', INTERLOCK_API_BEHIND_TLS_PROXY: 'true' };
    const open = deployment.start('api', [], behind);
    expect(await open.exited).to.include({ code: 78 });
    expect(open.output).to.include('api.host').and.include('--direct');

    const first = await cli('token', 'create', 'root', '--role', 'admin', '--direct');
    expect(first.code, first.stderr).to.equal(0);
    const root = (JSON.parse(first.stdout) as Made).token;
    const again = await cli('token', 'create', 'root', '--role', 'admin', '--direct');
    expect([again.code, again.stderr.includes('CONFLICT')]).to.deep.equal([1, true]);

    const api = deployment.start('api', [], behind);
    await until('the API answers', async () => (await statusOf(root)) === 200, { timeoutMs: 60_000 });
    expect(await statusOf(undefined)).to.equal(401);
    const refused = await cli('token', 'list');
    expect([refused.code, refused.stderr.includes('INTERLOCK_TOKEN')]).to.deep.equal([1, true]);

    deployment.env.INTERLOCK_TOKEN = root;
    const second = await cli('token', 'create', 'ci', '--role', 'submit', '--expires', 'P90D');
    expect(second.code, second.stderr).to.equal(0);
    const ci = JSON.parse(second.stdout) as Made;
    expect(await statusOf(ci.token)).to.equal(200);
    expect((await cli('token', 'revoke', 'ci', '--direct')).code).to.equal(0);
    await until('the API hears of it', async () => (await statusOf(ci.token)) === 401, { timeoutMs: 60_000 });

    const trail = await cli('audit', 'trail');
    const { items } = JSON.parse(trail.stdout) as { items: Record<string, string>[] };
    expect(items.map(({ who, operation, detail, outcome }) => [who, operation, detail, outcome])).to.deep.equal([
      ['local', 'revokeToken', 'name=ci direct', 'done'],
      ['root', 'createToken', 'role=submit expires=P90D', 'done'],
      ['local', 'createToken', 'role=admin direct', 'refused'],
      ['local', 'createToken', 'role=admin direct', 'done'],
    ]);
    const seen = [api.output, trail.stdout, readFileSync(`/proc/${api.pid}/cmdline`, 'utf8')].join();
    const stored = JSON.stringify(await deployment.db.collection('tokens').find().toArray());
    for (const token of [root, ci.token]) expect(seen + stored).to.not.include(token);
  });
});
