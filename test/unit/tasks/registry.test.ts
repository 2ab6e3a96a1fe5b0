import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';

import { expect } from 'chai';

import { defineTask } from '../../../src/tasks/define-task.js';
import { Registry } from '../../../src/tasks/registry.js';

describe('A registry of task types', function () {
  this.timeout(30_000);
  const folder = mkdtempSync(path.join(tmpdir(), 'interlock-registry-'));
  after(() => rmSync(folder, { recursive: true, force: true }));

  const write = (file: string, text: string): string => {
    mkdirSync(path.dirname(path.join(folder, file)), { recursive: true });
    writeFileSync(path.join(folder, file), text);
    return `./${file}`;
  };
  const names = (registry: Registry): string[] => registry.list().map(type => type.name);
  const refusal = async (...specifiers: string[]): Promise<string> => {
    const error: unknown = await Registry.load(specifiers, folder).catch((thrown: unknown) => thrown);
    return error instanceof Error && error.name === 'TaskModuleError' ? error.message : expect.fail(String(error));
  };

  it('takes definitions by their names, and other exported functions by file and export', async () => {
    const file = write(
      'calc.mjs',
      `import { defineTask } from 'interlock';
       export const sum = defineTask({ name: 'math.sum', handler: () => 1 });
       export const again = sum;
       export function add(a, b) { return a + b; }
       export default function () {}
       export class Thing {}
       export const PI = 3;`,
    );
    const registry = await Registry.load([file], folder);
    expect(names(registry)).to.deep.equal(['calc.add', 'calc.default', 'math.sum']);
    expect(registry.get('calc.add')).to.include({ plain: true, kind: 'interlock.task' });
  });

  it('loads TypeScript with its relative imports, and packages of the folder', async () => {
    const lib = 'lib.ts';
    write(lib, 'export const twice = (n: number): number => 2 * n;');
    const file = write(
      'typed.ts',
      `import { twice } from './lib.js';\nexport const four = (n: number): number => twice(twice(n));`,
    );
    write('node_modules/@scope/pack/package.json', '{"name":"@scope/pack","type":"module","exports":{"import":"./main.js"}}');
    write('node_modules/@scope/pack/main.js', 'export function run() {}');
    expect(names(await Registry.load([file, '@scope/pack'], folder))).to.deep.equal(['pack.run', 'typed.four']);
  });

  it('finds a function and a definition by their identity only', async () => {
    const file = write('identity.mjs', 'export function add() {}');
    const registry = await Registry.load([file], folder);
    const { add } = (await import(path.join(folder, 'identity.mjs'))) as { add: () => void };
    expect(registry.resolve(add)?.name).to.equal('identity.add');
    expect(registry.resolve(() => undefined)).to.equal(undefined);
    const known = defineTask({ name: 'known', handler: () => null });
    expect(Registry.of(known).resolve(known)).to.equal(known);
    expect(Registry.of(known).resolve(defineTask({ name: 'known', handler: () => null }))).to.equal(undefined);
  });

  it('refuses two tasks of one name, naming both', async () => {
    const text = `import { defineTask } from 'interlock'; export const one = defineTask({ name: 'same', handler: () => 1 });`;
    const message = await refusal(write('first.mjs', text), write('second.mjs', text));
    expect(message).to.contain('"same"').and.to.contain('export "one" of ./first.mjs').and.to.contain('./second.mjs');
  });

  it('names the module that does not exist, is a folder, fails, or whose schema is none', async () => {
    expect(await refusal('./missing.ts'))
      .to.contain('./missing.ts')
      .and.to.contain('no file');
    write('sub/x.mjs', '');
    expect(await refusal('./sub')).to.contain('is a folder');
    expect(await refusal('no-such-package')).to.contain('no-such-package');
    expect(await refusal(write('throws.mjs', `throw new Error('at load')`)))
      .to.contain('./throws.mjs')
      .and.to.contain('at load');
    const schema = write(
      'schema.mjs',
      `import { defineTask } from 'interlock'; export const bad = defineTask({ name: 'bad', input: { type: 'objekt' }, handler: () => 1 });`,
    );
    expect(await refusal(schema)).to.contain('export "bad" of ./schema.mjs');
    expect(await refusal(write('two words.mjs', 'export function run() {}'))).to.contain('two words.run');
  });
});
