import { randomBytes } from 'node:crypto';
import { readFileSync } from 'node:fs';

import { expect } from 'chai';

import { OPERATIONS } from '../../../src/api/access/operations.js';
import { ACCESS_ROLES } from '../../../src/core/access.js';
import { ask } from './fixture.js';
import { Guarded } from './access-fixture.js';
import { documentOf, type Operation } from './openapi-document.js';

const wrong = () => `ilk_${randomBytes(32).toString('base64url')}`;

describe('Who may use the API', () => {
  let guarded: Guarded;
  beforeEach(() => (guarded = new Guarded()));
  afterEach(() => guarded.close());

  it('is everybody, as long as there is no token and it listens on a loopback address', async () => {
    const app = await guarded.open();
    for (const token of [undefined, wrong(), 'nonsense'])
      expect((await guarded.send(app, '/tokens', token === undefined ? {} : { token })).status).to.equal(200);
  });

  it('is nobody without a token, as soon as there is one; what needs none is still open', async () => {
    const app = await guarded.open();
    await guarded.send(app, '/tokens', { body: { name: 'first', role: 'admin' } });
    const { status, headers, body } = await guarded.send(app, '/tasks');
    expect([status, body.code]).to.deep.equal([401, 'UNAUTHORIZED']);
    expect(headers['www-authenticate']).to.equal('Bearer realm="interlock"');
    for (const path of ['/livez', '/readyz', '/api/v1/status', '/api/v1/openapi.json'])
      expect((await ask(app, path)).status, path).to.equal(200);
    expect((await ask(app, '/nowhere')).status).to.equal(404);
    expect((await ask(app, '/tasks', { method: 'PUT', body: {} })).status).to.equal(405);
  });

  for (const settings of [{ requireTokens: 'always' as const }, { host: '0.0.0.0' }]) {
    it(`is nobody without a token with ${JSON.stringify(settings)}, also while there is none`, async () => {
      const app = await guarded.open(settings);
      expect((await guarded.send(app, '/tasks')).status).to.equal(401);
    });
  }

  it('hears of a first token that was made elsewhere within ten seconds', async () => {
    const app = await guarded.open();
    expect((await guarded.send(app, '/tasks')).status).to.equal(200);
    await guarded.token('elsewhere', 'admin');
    guarded.nowMs += 10_000;
    expect((await guarded.send(app, '/tasks')).status).to.equal(401);
  });

  for (const header of [
    'Bearer',
    'Bearer ',
    'Basic aW50ZXJsb2NrOnNlY3JldA==',
    'Bearer ilk_short',
    `Bearer ${wrong()}`,
    `bearer ${wrong()} ${wrong()}`,
    `Bearer ${wrong()}x`,
    `Bearer {"$gt":""}`,
    wrong(),
  ]) {
    it(`refuses ${JSON.stringify(header.slice(0, 24))}, without saying why in detail`, async () => {
      const app = await guarded.open();
      await guarded.token('a', 'admin');
      const { status, headers, body } = await guarded.send(app, '/tasks', { headers: { authorization: header } });
      expect([status, body.code]).to.deep.equal([401, 'UNAUTHORIZED']);
      expect(headers['www-authenticate']).to.equal('Bearer realm="interlock", error="invalid_token"');
      expect(body.detail).to.equal('The token is not a good one: it is unknown, expired or revoked.');
    });
  }

  it('takes the scheme in any case, and no token from the query', async () => {
    const app = await guarded.open();
    const { text } = await guarded.token('a', 'read');
    expect((await guarded.send(app, '/tasks', { headers: { authorization: `bearer ${text}` } })).status).to.equal(200);
    for (const [path, token] of [
      [`/tasks?token=${text}`, undefined],
      [`/tasks?access_token=${text}`, text],
    ] as const) {
      const { status, body } = await guarded.send(app, path, token === undefined ? {} : { token });
      expect([status, body.code, body.errors[0]?.reason]).to.deep.equal([400, 'VALIDATION_FAILED', 'token_in_url']);
      expect(body.errors[0]?.detail).to.match(
        /^a token in an address stands in logs .* revoke it, and send another one as "Authorization: Bearer/,
      );
      expect(JSON.stringify(body)).to.not.include(text);
    }
  });

  it('ends with the token: when it expires, when it is revoked here, and soon after it was revoked elsewhere', async () => {
    const [app, other] = [await guarded.open(), await guarded.open()];
    const admin = await guarded.token('admin', 'admin');
    const short = await guarded.token('short', 'read', 60);
    const long = await guarded.token('long', 'read');
    const statusOf = async (token: string, at = app): Promise<number> => (await guarded.send(at, '/tasks', { token })).status;
    expect([await statusOf(short.text), await statusOf(long.text), await statusOf(long.text, other)]).to.deep.equal([
      200, 200, 200,
    ]);
    guarded.nowMs += 60_000;
    expect(await statusOf(short.text), 'expired').to.equal(401);
    expect(await statusOf(long.text, other)).to.equal(200);
    expect((await guarded.send(app, `/tokens/${long.id}`, { method: 'DELETE', token: admin.text })).status).to.equal(204);
    expect(await statusOf(long.text), 'revoked here').to.equal(401);
    guarded.nowMs += 10_000;
    expect(await statusOf(long.text, other), 'revoked elsewhere').to.equal(401);
  });

  it('does not open again with the last token where tokens are always required, and does where they are not', async () => {
    const [auto, always] = [await guarded.open(), await guarded.open({ requireTokens: 'always' })];
    const { id, text } = await guarded.token('only', 'admin');
    expect((await guarded.send(auto, `/tokens/${id}`, { method: 'DELETE', token: text })).status).to.equal(204);
    expect((await guarded.send(auto, '/tokens')).status).to.equal(200);
    expect(guarded.log).to.include('No token is left');
    guarded.nowMs += 10_000;
    expect((await guarded.send(always, '/tokens')).status).to.equal(401);
  });

  it('costs one look for a good token in ten seconds, one for each wrong one, none for what is no token', async () => {
    const app = await guarded.open();
    const { text } = await guarded.token('a', 'read');
    const looks = async (token: string): Promise<number> => {
      guarded.calls.length = 0;
      await guarded.send(app, '/tasks', { token });
      return guarded.calls.filter(call => call === 'byHash').length;
    };
    expect(await looks(text)).to.equal(1);
    expect(await looks(text)).to.equal(0);
    const one = wrong();
    expect([await looks(one), await looks(one), await looks(`${one}x`), await looks('nonsense')]).to.deep.equal([1, 0, 0, 0]);
    for (let n = 0; n < 1_100; n++) await ask(app, '/tasks', { headers: { authorization: `Bearer ${wrong()}` } });
    expect(await looks(text), 'not pushed out').to.equal(0);
    guarded.nowMs += 10_000;
    guarded.calls.length = 0;
    const together = await Promise.all(
      [1, 2, 3, 4].map(() => ask(app, '/tasks', { headers: { authorization: `Bearer ${text}` } })),
    );
    expect(together.map(({ status }) => status)).to.deep.equal([200, 200, 200, 200]);
    expect(
      guarded.calls.filter(call => call === 'byHash'),
      'one for all who ask at once',
    ).to.have.length(1);
    guarded.nowMs += 10_000;
    expect(await looks(text)).to.equal(1);
  });

  it('notes the use of a token once a minute', async () => {
    const app = await guarded.open();
    const { id, text } = await guarded.token('a', 'admin');
    const lastUsed = (): Date | undefined => guarded.db.tokens.get(id)?.lastUsedAt;
    await guarded.send(app, '/tasks', { token: text });
    const first = lastUsed();
    expect(first).to.be.a('date');
    guarded.nowMs += 59_000;
    await guarded.send(app, '/tasks', { token: text });
    expect(lastUsed()).to.deep.equal(first);
    guarded.nowMs += 2_000;
    await guarded.send(app, '/tasks', { token: text });
    expect(lastUsed()?.getTime()).to.equal(first!.getTime() + 61_000);
  });

  it('is told to the log when it is refused, one line in ten seconds, and no token is in any line', async () => {
    const app = await guarded.open();
    const { text } = await guarded.token('a', 'read');
    const canary = wrong();
    for (const token of [canary, canary, 'nonsense', text])
      await guarded.send(app, '/workers/w/pause', { method: 'POST', token });
    await guarded.send(app, `/tasks?token=${text}`, { token: canary, headers: { 'x-request-id': canary } });
    guarded.nowMs += 10_000;
    const last = await guarded.send(app, '/tasks', { token: canary });
    const refusals = guarded.lines.filter(line => line.includes('was refused'));
    expect(refusals).to.have.length(2);
    expect(refusals[0]).to.match(/^POST \/api\/v1\/workers\/:name\/pause was refused: .*"peer":"127\.0\.0\.1"/);
    expect(refusals[1]).to.include('(4 others since the last line like this)');
    expect(JSON.stringify(last)).to.not.include(canary);
    expect(guarded.log.replaceAll(/"requestId":"[^"]*"/g, ''))
      .to.not.include(canary)
      .and.not.include(text);
  });

  it('refuses everything when the database is away and nothing is known', async () => {
    const away = Object.assign(Object.create(guarded.store.tokens) as typeof guarded.store.tokens, {
      byHash: () => Promise.reject(new Error('away')),
      any: () => Promise.reject(new Error('away')),
    });
    const app = await guarded.open({}, { store: { ...guarded.store, tokens: away } });
    expect((await ask(app, '/tasks')).status).to.equal(500);
  });
});

describe('Roles', () => {
  const guarded = new Guarded();
  after(() => guarded.close());

  it('are named for every operation, and nothing is open that was not meant to be', async () => {
    const app = await guarded.open();
    const operations: [string, Operation][] = Object.values(documentOf(app).paths).flatMap(methods =>
      Object.values(methods).map((each): [string, Operation] => [each.operationId ?? '', each]),
    );
    const open = operations.filter(([, { security }]) => JSON.stringify(security) === '[]').map(([id]) => id);
    expect(open.sort()).to.deep.equal(['getOpenApi', 'getStatus', 'livez', 'metrics', 'readyz']);
    for (const [id, { security }] of operations) {
      if (open.includes(id)) continue;
      expect(OPERATIONS, `say in access/operations.ts who may ${id}`).to.have.property(id);
      expect(security, id).to.deep.equal([{ bearer: [OPERATIONS[id]!.access] }]);
    }
  });

  it('are those of the page', () => {
    const page = readFileSync(new URL('../../../docs/security.md', import.meta.url), 'utf8');
    for (const role of ['none', ...ACCESS_ROLES]) {
      const row = page.split('\n').find(line => line.startsWith(role === 'none' ? '| none |' : `| \`${role}\` |`)) ?? '';
      const named = [...row.matchAll(/`([a-z]+[A-Z][A-Za-z]+)`/g)].map(match => match[1]);
      const access = role === 'none' ? 'anyone' : role;
      const expected = Object.entries(OPERATIONS).filter(([, rule]) => rule.access === access);
      expect(named.sort(), role).to.deep.equal(expected.map(([id]) => id).sort());
    }
  });

  it('include those before them: each operation is for its role and those above, and says which one it needs', async () => {
    const app = await guarded.open();
    const tokens = new Map(
      await Promise.all(ACCESS_ROLES.map(async role => [role, (await guarded.token(`a-${role}`, role)).text] as const)),
    );
    const paths: [string, string, (typeof ACCESS_ROLES)[number]][] = [
      ['GET', '/tasks', 'read'],
      ['GET', '/resources', 'read'],
      ['POST', '/tasks', 'submit'],
      ['POST', '/tasks/none/cancel', 'submit'],
      ['POST', '/workers/none/pause', 'operate'],
      ['DELETE', '/schedules/none', 'operate'],
      ['DELETE', '/tasks', 'operate'],
      ['POST', '/resources/none/release', 'admin'],
      ['GET', '/audit', 'admin'],
      ['GET', '/tokens', 'admin'],
    ];
    for (const [method, path, needed] of paths) {
      for (const role of ACCESS_ROLES) {
        const answer = await guarded.send(app, path, { method: method as 'GET', token: tokens.get(role)! });
        const enough = ACCESS_ROLES.indexOf(role) >= ACCESS_ROLES.indexOf(needed);
        expect(answer.status === 403, `${method} ${path} as ${role}`).to.equal(!enough);
        if (enough) continue;
        expect(answer.body.code).to.equal('FORBIDDEN');
        expect(answer.body.detail).to.equal(`This needs the role ${needed}; the token "a-${role}" has the role ${role}.`);
      }
    }
  });
});
