import { readFileSync } from 'node:fs';

import { expect } from 'chai';

const read = (path: string): string => readFileSync(new URL(`../../../${path}`, import.meta.url), 'utf8');

interface Lock {
  packages: Record<
    string,
    { resolved?: string; integrity?: string; link?: boolean; inBundle?: boolean; dev?: boolean; devOptional?: boolean }
  >;
}

describe('Packages', () => {
  const manifest = JSON.parse(read('package.json')) as Record<'dependencies' | 'devDependencies', Record<string, string>>;

  it('are all justified in docs/decisions/dependencies.md, and nothing else is', () => {
    const [needed = '', tools = ''] = read('docs/decisions/dependencies.md').split('Tools of the repository');
    const named = (part: string): string[] =>
      [...part.matchAll(/^\| (`[^|]+) \| \S/gm)].flatMap(([, cell = '']) =>
        [...cell.matchAll(/`([^`]+)`/g)].map(([, name]) => name ?? ''),
      );
    expect(named(needed).sort()).to.deep.equal(Object.keys(manifest.dependencies).sort());
    expect(named(tools).sort()).to.deep.equal(Object.keys(manifest.devDependencies).sort());
  });

  it('are counted with what they need in turn', () => {
    const { packages } = JSON.parse(read('package-lock.json')) as Lock;
    const installed = Object.entries(packages).filter(([path, { dev, devOptional }]) => path !== '' && !dev && !devOptional);
    const names = new Set(installed.map(([path]) => path.replace(/^.*node_modules\//, '')));
    expect(read('docs/decisions/dependencies.md')).to.contain(`a deployment has ${names.size} packages`);
  });

  it('are pinned with a checksum each', () => {
    const { packages } = JSON.parse(read('package-lock.json')) as Lock;
    const loose = Object.entries(packages).filter(
      ([path, { integrity, link, inBundle }]) => path !== '' && integrity === undefined && link !== true && inBundle !== true,
    );
    expect(loose.map(([path]) => path)).to.deep.equal([]);
  });
});
