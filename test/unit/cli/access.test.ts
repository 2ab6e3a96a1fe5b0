import { expect } from 'chai';

import { cliUnderTest } from '../../support/cli-against.js';
import { interlock } from '../../support/command.js';

const token = (name: string, more: object = {}): object => ({
  ...{
    id: `id-${name}`,
    href: '',
    name,
    role: 'submit',
    hint: 'ilk_abcd',
    createdBy: 'local',
    createdAt: '2026-01-01T00:00:00.000Z',
  },
  ...{ expiresAt: null, expired: false, lastUsedAt: null, ...more },
});

describe('The command line, for who may do what', function () {
  this.timeout(60_000);
  const cli = cliUnderTest();
  const { against } = cli;

  it('makes a token, gives it on stdout, and says on stderr that this is the only time', async () => {
    const made = await against(
      () => ({ status: 201, body: token('ci', { token: 'ilk_secret' }) }),
      ...['token', 'create', 'ci', '--role', 'submit', '--expires', 'P90D'],
    );
    expect(made.code, made.stderr).to.equal(0);
    expect(JSON.parse(made.stdout)).to.include({ name: 'ci', token: 'ilk_secret' });
    expect(made.stderr).to.include('it is shown only now').and.not.include('ilk_secret');
    expect(cli.api.heard[0]).to.deep.include({
      method: 'POST',
      path: '/api/v1/tokens',
      body: { name: 'ci', role: 'submit', expires: 'P90D' },
    });
    expect(cli.api.heard[0]!.headers).to.include({ authorization: 'Bearer hush' });
    for (const args of [['create', 'ci'], ['create', 'ci', '--role', 'root'], ['create', '--role', 'read'], ['revoke']])
      expect((await interlock(['token', ...args], { cwd: cli.folder })).code, args.join(' ')).to.equal(2);
    expect((await interlock(['token', '--help'], { cwd: cli.folder })).stdout).to.include('--role admin --direct');
  });

  it('finds a token by its name on any page, and revokes it', async () => {
    const revoked = await against(
      ({ method, path }) => {
        if (method === 'DELETE') return { status: 204 };
        const second = path.includes('after=id-a');
        return { body: { items: [token(second ? 'b' : 'a')], next: second ? null : '/api/v1/tokens?after=id-a', prev: null } };
      },
      ...['token', 'revoke', 'b'],
    );
    expect([revoked.code, JSON.parse(revoked.stdout)]).to.deep.equal([0, { revoked: 'id-b', name: 'b' }]);
    expect(cli.api.heard.map(({ method, path }) => `${method} ${path}`)).to.deep.equal([
      'GET /api/v1/tokens',
      'GET /api/v1/tokens?after=id-a',
      'DELETE /api/v1/tokens/id-b',
    ]);
    await cli.api.close();
    const none = await against(() => ({ body: { items: [], next: null, prev: null } }), 'token', 'show', 'nobody');
    expect([none.code, none.stderr]).to.deep.equal([1, 'Token nobody does not exist. (MISSING_RESOURCE)\n']);
  });

  it('says what to do when the token is missing, or has too small a role', async () => {
    const problem = {
      type: '',
      title: '',
      detail: 'This needs a token.',
      code: 'UNAUTHORIZED',
      status: 401,
      instance: 'r',
      errors: [],
    };
    const refused = await against(() => ({ status: 401, body: problem }), 'token', 'list');
    expect([refused.code, refused.stderr.split('\n')[1]]).to.deep.equal([1, 'Give a token in INTERLOCK_TOKEN.']);
    expect(refused.stderr).to.not.include('hush');
  });

  it('reads the audit trail, and still proves the records without that word', async () => {
    const entry = { id: 'i', at: '2026-01-01T00:00:00.000Z', who: 'ci', token: null, operation: 'purgeTasks', target: null };
    const items = [{ ...entry, detail: null, requestId: 'r', outcome: 'done', status: 204 }];
    const read = await against(
      () => ({ body: { items, next: null, prev: null } }),
      ...['audit', 'trail', '--who', 'ci', '--who', 'local', '--after', '2026-01-01T00:00:00Z', '--limit', '7', '--json'],
    );
    expect([read.code, JSON.parse(read.stdout)], read.stderr).to.deep.equal([0, { items, next: null, prev: null }]);
    expect(cli.api.heard[0]!.path).to.equal('/api/v1/audit?who=ci&who=local&after=2026-01-01T00%3A00%3A00.000Z&limit=7');
    const help = await interlock(['audit', '--help'], { cwd: cli.folder });
    expect(help.stdout).to.include('prove from the records').and.include('trail');
    const proving = await interlock(['audit'], { cwd: cli.folder, env: { INTERLOCK_MONGO_URL: '' } });
    expect([proving.code, proving.stderr.includes('mongo.url')]).to.deep.equal([78, true]);
  });

  it('lists resources, and releases one only when that is wanted', async () => {
    const use = { name: 'disk', href: '', holders: [], holding: 0, waiting: 2, oldest: null, oldestSeconds: null };
    const page = { items: [use], next: '/api/v1/resources?after=disk', prev: null };
    const listed = await against(() => ({ body: page }), 'resource', 'list', '--after', 'a b');
    expect([listed.code, JSON.parse(listed.stdout)]).to.deep.equal([0, page]);
    expect(listed.stderr).to.include('--after disk');
    expect(cli.api.heard[0]!.path).to.equal('/api/v1/resources?after=a+b');
    await cli.api.close();
    const answer = { status: 202, body: { name: 'a/b', canceled: ['t1'] } };
    const asked = await against(() => answer, 'resource', 'release', 'a/b');
    expect([asked.code, cli.api.heard.length]).to.deep.equal([2, 0]);
    expect(asked.stderr).to.include('--yes');
    await cli.api.close();
    const released = await against(() => answer, 'resource', 'release', 'a/b', '--yes');
    expect([released.code, JSON.parse(released.stdout)]).to.deep.equal([0, answer.body]);
    expect(cli.api.heard[0]).to.deep.include({ method: 'POST', path: '/api/v1/resources/a%2Fb/release' });
  });
});
