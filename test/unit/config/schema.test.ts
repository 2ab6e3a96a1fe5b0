import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

import { expect } from 'chai';

import { loadConfig } from '../../../src/config/load.js';
import { nearest } from '../../../src/core/nearest.js';
import { allOptions } from '../../../src/config/schema.js';
import { configurationPage, CONFIGURATION_PAGE } from '../../support/configuration-page.js';

/** A file that is there, for those that the example names. */
const HERE = fileURLToPath(import.meta.url);
const root = new URL('../../../', import.meta.url);
const readJson = (path: string): unknown => JSON.parse(readFileSync(new URL(path, root), 'utf8'));

/** `{a: {b: 1}}` as `[['a.b', 1]]`. */
function leaves(value: unknown, prefix = ''): [string, unknown][] {
  return Object.entries(value as object).flatMap(([name, entry]: [string, unknown]): [string, unknown][] =>
    typeof entry === 'object' && entry !== null && !Array.isArray(entry)
      ? leaves(entry, `${prefix}${name}.`)
      : [[prefix + name, entry]],
  );
}

describe('The table of options', () => {
  it('agrees with config/default.json', () => {
    expect(leaves(readJson('config/default.json'))).to.deep.equal(allOptions().map(({ key, option }) => [key, option.default]));
  });

  it('agrees with config/custom-environment-variables.json, each variable with one meaning', () => {
    const expected = allOptions().map(({ key, option }): [string, unknown] => [key, option.env]);
    expect(leaves(readJson('config/custom-environment-variables.json'))).to.deep.equal(expected);
    expect(new Set(expected.map(([, env]) => env))).to.have.length(expected.length);
  });

  it('accepts its own defaults, and the example for production', () => {
    for (const { key, option } of allOptions())
      expect(option.read(option.default), key).to.deep.equal({ ok: true, value: option.default });
    const example = JSON.stringify(readJson('config/example.production.json')).replaceAll(
      /"[^"]*\.(pem|key)"/g,
      JSON.stringify(HERE),
    );
    expect(loadConfig({ NODE_CONFIG: example }, '/').config.log.format).to.equal('json');
  });

  it('is what docs/configuration.md says', () => {
    const page = readFileSync(CONFIGURATION_PAGE, 'utf8');
    expect(page, 'write it anew: node --import tsx test/support/configuration-page.ts --write').to.equal(configurationPage());
  });
});

describe('The nearest word', () => {
  it('is found for slips of the finger, and none for what is far', () => {
    const words = ['resource-manager', 'worker', 'workers', 'beat'];
    expect(nearest('wroker', words)).to.equal('worker');
    expect(nearest('resorce-manger', words)).to.equal('resource-manager');
    expect(nearest('BEAT', words)).to.equal('beat');
    expect(nearest('schedule', words)).to.equal(undefined);
  });
});
