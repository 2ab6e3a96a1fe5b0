import { chmodSync, existsSync, mkdirSync, mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { expect } from 'chai';

import { ConfigError } from '../../../src/config/config-error.js';
import { loadConfig } from '../../../src/config/load.js';
import { makeFolders } from '../../../src/main/writable.js';

describe('The folders of a role', () => {
  let root: string;
  before(() => (root = mkdtempSync(join(tmpdir(), 'interlock-writable-'))));
  after(() => rmSync(root, { recursive: true }));

  it('are made, for the owner alone', () => {
    const { config } = loadConfig({ INTERLOCK_WORKING_DIRECTORY: 'a/b' }, root);
    makeFolders(config, ['workingDirectory']);
    expect(statSync(join(root, 'a/b')).mode & 0o777).to.equal(0o700);
    expect(existsSync(config.dataDirectory)).to.equal(false);
  });

  it('are refused where everybody may write to them, unless only owners may rename what is there', () => {
    const { config } = loadConfig({ INTERLOCK_WORKING_DIRECTORY: 'open' }, root);
    mkdirSync(join(root, 'open'));
    chmodSync(join(root, 'open'), 0o777);
    for (const mode of [0o777, 0o702]) {
      chmodSync(join(root, 'open'), mode);
      expect(() => makeFolders(config, ['workingDirectory'])).to.throw(
        ConfigError,
        /workingDirectory[^]*everybody may write to it: expected mode 700/,
      );
    }
    for (const mode of [0o1777, 0o770, 0o755]) {
      chmodSync(join(root, 'open'), mode);
      makeFolders(config, ['workingDirectory']);
    }
  });

  it('are refused by name where they cannot be', () => {
    writeFileSync(join(root, 'file'), '');
    const { config } = loadConfig({ INTERLOCK_WORKING_DIRECTORY: 'file', INTERLOCK_DATA_DIRECTORY: 'file/below' }, root);
    expect(() => makeFolders(config, ['workingDirectory', 'dataDirectory'])).to.throw(
      ConfigError,
      /2 problems[^]*workingDirectory[^]*dataDirectory[^]*expected a folder/,
    );
  });
});
