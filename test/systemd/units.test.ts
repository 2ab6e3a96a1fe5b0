import { execFile } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

import { expect } from 'chai';

const run = promisify(execFile);
const UNITS = fileURLToPath(new URL('../../systemd', import.meta.url));
const SERVICES = readdirSync(UNITS)
  .filter(name => name.endsWith('.service'))
  .map(name => name.replace('@.', '@1.'));
const MOST_EXPOSED = 1.5;

describe('The units, as systemd reads them', function () {
  this.timeout(60_000);
  let root: string;

  before(() => {
    root = mkdtempSync(join(tmpdir(), 'interlock-units-'));
    mkdirSync(join(root, 'etc/systemd/system'), { recursive: true });
    mkdirSync(join(root, 'usr/bin'), { recursive: true });
    cpSync(UNITS, join(root, 'etc/systemd/system'), { recursive: true });
    writeFileSync(join(root, 'usr/bin/env'), '', { mode: 0o755 });
  });
  after(() => rmSync(root, { recursive: true, force: true }));

  for (const unit of SERVICES) {
    it(`${unit} has an exposure of at most ${MOST_EXPOSED}`, async () => {
      const { stdout } = await run('systemd-analyze', ['security', `--root=${root}`, '--offline=true', '--no-pager', unit]);
      const [, exposure] = /Overall exposure level for \S+: ([\d.]+)/.exec(stdout) ?? [];
      expect(Number(exposure), stdout).to.be.above(0).and.at.most(MOST_EXPOSED);
    });

    it(`${unit} holds nothing that systemd does not know`, async () => {
      const words = ['verify', `--root=${root}`, '--man=no', '--recursive-errors=no', unit];
      const { stderr } = await run('systemd-analyze', words).catch((error: unknown) => error as { stderr: string });
      expect(stderr.split('\n').filter(line => line.includes('interlock'))).to.deep.equal([]);
    });
  }

  it('differ from one another in nothing but what they are for', () => {
    const of = (name: string): string[] => readFileSync(join(UNITS, `${name}.service`), 'utf8').split('\n');
    const plain = (line: string): boolean => !/^(Description|ExecStart|Alias)=/.test(line);
    const [api, manager, beat] = ['httpd', 'resource-manager', 'beat'].map(name => of(`interlock-${name}`).filter(plain));
    expect(manager).to.deep.equal(api);
    expect(beat).to.deep.equal(api);
  });
});
