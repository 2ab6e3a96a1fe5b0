import { readFile } from 'node:fs/promises';

import { expect } from 'chai';

import { FAILURE_CODES } from '../../../../src/plugins/file/failure.js';
import { DEFAULTS } from '../../../../src/plugins/file/settings.js';

describe('docs/file-plugin.md', () => {
  let rows: string[];

  before(async () => {
    const page = await readFile(new URL('../../../../docs/file-plugin.md', import.meta.url), 'utf8');
    rows = [...page.matchAll(/^\| `([A-Za-z_]+)` \|/gm)].map(([, code = '']) => code);
  });

  it('explains every code of a failed sync, and no other', () => {
    expect(rows.filter(row => row === row.toUpperCase())).to.have.members([...FAILURE_CODES]);
  });

  it('explains every setting of a repository, and no other', () => {
    expect(rows.filter(row => row !== row.toUpperCase())).to.have.members(Object.keys(DEFAULTS));
  });
});
