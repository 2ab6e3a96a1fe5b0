import { readFileSync } from 'node:fs';

import { expect } from 'chai';

const read = (path: string): string => readFileSync(new URL(`../../../${path}`, import.meta.url), 'utf8');

interface Lock {
  packages: Record<string, { resolved?: string; integrity?: string; link?: boolean; inBundle?: boolean }>;
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

  it('are pinned with a checksum each', () => {
    const { packages } = JSON.parse(read('package-lock.json')) as Lock;
    const loose = Object.entries(packages).filter(
      ([path, { integrity, link, inBundle }]) => path !== '' && integrity === undefined && link !== true && inBundle !== true,
    );
    expect(loose.map(([path]) => path)).to.deep.equal([]);
  });
});
