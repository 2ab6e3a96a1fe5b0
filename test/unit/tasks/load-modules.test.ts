import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { pathToFileURL } from 'node:url';

import { expect } from 'chai';

import { hooksOf } from '../../../src/tasks/load-modules/hooks.js';
import { packageFrom } from '../../../src/tasks/load-modules/rules.js';
import { COMMAND_LINE } from '../../support/command.js';

const REGISTRY = pathToFileURL(path.join(path.dirname(COMMAND_LINE[0]!), '../tasks/registry.js')).href;
const FILES = {
  'main.ts': `import { defineTask, type Json } from 'interlock';
import { three } from './three.js';
import { four } from './four';
interface Shape {
  sides: number;
}
export const seven = defineTask({ name: 'seven', handler: async (): Promise<Json> => three + four });
export function fails(shape: Shape): never {
  throw new Error(\`\${shape.sides} sides\`);
}`,
  'three.ts': 'export const three: number = 3;',
  'four/index.ts': 'export const four: number = 4;',
  'lost.ts': `import './nowhere.js';`,
  'run.mjs': `import { Registry } from '${REGISTRY}';
const registry = await Registry.load(['./main.ts', 'pack'], import.meta.dirname);
const said = [registry.list().map(type => type.name), await registry.get('seven').handler()];
try { registry.get('main.fails').handler({ sides: 5 }); } catch (error) { said.push(error.stack.split('\\n').slice(0, 2)); }
await Registry.load(['./lost.ts'], import.meta.dirname).catch(error => said.push(error.message));
console.log(JSON.stringify(said));`,
  'node_modules/pack/package.json': '{"name":"pack","type":"module","exports":{"import":"./main.js"}}',
  'node_modules/pack/main.js': `import { defineTask } from 'interlock';\nexport const it = defineTask({ name: 'packed', handler: () => 1 });`,
};

describe('Task modules, compiled as users have it', function () {
  this.timeout(60_000);
  const folder = mkdtempSync(path.join(tmpdir(), 'interlock-modules-'));
  after(() => rmSync(folder, { recursive: true, force: true }));

  it('are TypeScript by its own rules, with lines as in the file, and say nothing on standard error', () => {
    for (const [file, text] of Object.entries(FILES)) {
      mkdirSync(path.dirname(path.join(folder, file)), { recursive: true });
      writeFileSync(path.join(folder, file), text);
    }
    const { stdout, stderr } = spawnSync(process.execPath, [path.join(folder, 'run.mjs')], { encoding: 'utf8' });
    expect(stderr).to.equal('');
    const [names, sum, stack, lost] = JSON.parse(stdout) as [string[], number, string[], string];
    expect(names).to.deep.equal(['main.fails', 'packed', 'seven']);
    expect(sum).to.equal(7);
    expect(stack[0]).to.equal('Error: 5 sides');
    expect(stack[1]).to.match(/main\.ts:9:9/);
    expect(lost).to.contain('./lost.ts').and.to.contain('nowhere.js');
  });
});

describe('Hooks in the thread itself', () => {
  const SURFACE = 'file:///interlock/index.js';
  const context = { conditions: [], importAttributes: {}, importAssertions: {}, parentURL: 'file:///tasks/a.ts' };
  const missing = Object.assign(new Error('none'), { code: 'ERR_MODULE_NOT_FOUND' });

  /** What is asked for, when only `known` is there. */
  function resolved(specifier: string, known: string, strip = true): { asked: string[]; url: string } {
    const asked: string[] = [];
    const next = (what: string, given: { parentURL?: string | undefined } = {}): { url: string } => {
      asked.push(`${what} from ${given.parentURL ?? ''}`);
      if (what !== known) throw missing;
      return { url: `found ${what}` };
    };
    return { url: hooksOf({ surface: SURFACE, strip }).resolve(specifier, context, next).url, asked };
  }

  it('lead to the running copy, and to packages as seen from the folder that names them', () => {
    expect(resolved('interlock', '')).to.deep.equal({ url: SURFACE, asked: [] });
    const asked = ['@a/b?c from file:///tasks/x.js'];
    expect(resolved(packageFrom('@a/b?c', 'file:///tasks/x.js'), '@a/b?c')).to.deep.equal({ url: 'found @a/b?c', asked });
  });

  it('try what TypeScript would, and report the first error', () => {
    expect(resolved('./x.js', './x.ts').url).to.equal('found ./x.ts');
    expect(resolved('./x', './x/index.ts').url).to.equal('found ./x/index.ts');
    expect(() => resolved('./x.js', './y.ts')).to.throw(missing);
    expect(() => resolved('x', 'x.ts'), 'a package').to.throw(missing);
    expect(() => resolved('./x.js', './x.ts', false), 'somebody else strips').to.throw(missing);
  });
});
