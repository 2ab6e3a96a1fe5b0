import { chmodSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { expect } from 'chai';

import { addressOf } from '../../../src/cli/address.js';
import { UsageError } from '../../../src/cli/exit-codes.js';
import { writeProfiles, type Profiles } from '../../../src/cli/profiles.js';
import { interlock, type Ended } from '../../support/command.js';
import { scriptedApi } from '../../support/scripted-api.js';

describe('Profiles', function () {
  this.timeout(60_000);
  let folder: string;
  beforeEach(() => (folder = mkdtempSync(join(tmpdir(), 'interlock-profiles-'))));
  afterEach(() => rmSync(folder, { recursive: true }));
  const file = (): string => join(folder, 'interlock', 'profiles.json');
  const run = (args: string[], env: Record<string, string> = {}): Promise<Ended> =>
    interlock(args, { cwd: folder, env: { XDG_CONFIG_HOME: folder, ...env } });

  it('are noted for their owner alone, used, listed without tokens, and forgotten', async () => {
    const token = join(folder, 'token');
    writeFileSync(token, 'hush\n');
    expect(await run(['profile', 'add', 'prod', '--url', 'https://a.example/', '--token-from', token])).to.include({ code: 0 });
    expect(await run(['profile', 'add', 'test', '--url', 'http://b.example:1'])).to.include({ code: 0 });
    expect(statSync(file()).mode & 0o777).to.equal(0o600);
    expect(JSON.parse(readFileSync(file(), 'utf8'))).to.deep.equal({
      current: 'prod',
      profiles: { prod: { url: 'https://a.example', token: 'hush' }, test: { url: 'http://b.example:1' } },
    });
    const listed = await run(['profile', 'list']);
    expect(listed.stdout).to.not.include('hush');
    const { items } = JSON.parse(listed.stdout) as { items: object[] };
    expect(items).to.deep.equal([
      { name: 'prod', url: 'https://a.example', token: true, current: true },
      { name: 'test', url: 'http://b.example:1', token: false, current: false },
    ]);
    expect(await run(['profile', 'use', 'test'])).to.include({ code: 0 });
    expect(await run(['profile', 'rm', 'test'])).to.include({ code: 0 });
    expect(JSON.parse(readFileSync(file(), 'utf8'))).to.have.keys('profiles');
    for (const args of [
      ['use', 'gone'],
      ['rm', 'gone'],
      ['add', 'a b', '--url', 'http://h'],
      ['add', 'x', '--url', 'h'],
    ])
      expect((await run(['profile', ...args])).code, args.join(' ')).to.equal(2);
  });

  it('say where a command goes, with their tokens', async () => {
    const api = await scriptedApi(() => ({ body: { items: [] } }));
    writeFileSync(join(folder, 'token'), 'hush');
    await run(['profile', 'add', 'prod', '--url', api.url, '--token-from', join(folder, 'token')]);
    expect(await run(['queue', 'list'])).to.include({ code: 0 });
    expect(await run(['queue', 'list'], { INTERLOCK_URL: api.url, INTERLOCK_TOKEN: 'other' })).to.include({ code: 0 });
    expect(await run(['queue', 'list', '--profile', 'prod'], { INTERLOCK_URL: 'http://127.0.0.1:1' })).to.include({ code: 0 });
    expect(api.heard.map(({ headers }) => headers.authorization)).to.deep.equal(['Bearer hush', 'Bearer other', 'Bearer hush']);
    await api.close();
    chmodSync(file(), 0o640);
    const refused = await run(['queue', 'list']);
    expect(refused.code).to.equal(2);
    expect(refused.stderr).to.include(`chmod 600 ${file()}`).and.not.include('hush');
  });

  it('never give their token to another address', () => {
    const before = { ...process.env };
    const set = (env: Record<string, string>): void => {
      for (const name of ['INTERLOCK_URL', 'INTERLOCK_TOKEN', 'INTERLOCK_PROFILE', 'XDG_CONFIG_HOME'])
        if (env[name] === undefined) Reflect.deleteProperty(process.env, name);
        else process.env[name] = env[name];
    };
    try {
      set({ XDG_CONFIG_HOME: folder });
      expect(addressOf({}), 'no file').to.deep.equal({});
      rmSync(folder, { recursive: true });
      folder = mkdtempSync(join(tmpdir(), 'interlock-profiles-'));
      const profiles = { current: 'a', profiles: { a: { url: 'http://a', token: 'ta' }, b: { url: 'http://b' } } };
      set({ XDG_CONFIG_HOME: folder });
      rmSync(join(folder, 'interlock'), { recursive: true, force: true });
      writeProfilesTo(folder, profiles);
      expect(addressOf({})).to.deep.equal({ url: 'http://a', token: 'ta' });
      expect(addressOf({ url: 'http://c' })).to.deep.equal({ url: 'http://c' });
      expect(addressOf({ profile: 'b' })).to.deep.equal({ url: 'http://b' });
      set({ XDG_CONFIG_HOME: folder, INTERLOCK_URL: 'http://d', INTERLOCK_TOKEN: 'td' });
      expect(addressOf({})).to.deep.equal({ url: 'http://d', token: 'td' });
      expect(addressOf({ profile: 'a' })).to.deep.equal({ url: 'http://a', token: 'ta' });
      set({ XDG_CONFIG_HOME: folder, INTERLOCK_URL: 'http://d', INTERLOCK_PROFILE: 'a' });
      expect(addressOf({})).to.deep.equal({ url: 'http://a', token: 'ta' });
      expect(() => addressOf({ url: 'http://c', profile: 'a' })).to.throw(UsageError);
      expect(() => addressOf({ profile: 'toString' })).to.throw(UsageError, 'there are: a, b');
      writeFileSync(join(folder, 'interlock', 'profiles.json'), '{"profiles": {"a": {"token": "secret"}}}');
      expect(() => addressOf({ profile: 'a' }))
        .to.throw(UsageError, 'is damaged')
        .with.property('message')
        .that.does.not.include('secret');
    } finally {
      set(before as Record<string, string>);
    }
  });
});

function writeProfilesTo(folder: string, profiles: Profiles): void {
  writeProfiles(profiles, join(folder, 'interlock', 'profiles.json'));
}
