import { expect } from 'chai';

import { commandBlocks, commandLines, faultOf, pages } from '../../support/page-commands.js';

describe('the commands in the pages', () => {
  it('are each run by a test, or say why not', () => {
    const blocks = pages().flatMap(commandBlocks);
    expect(blocks.filter(({ runBy }) => runBy !== undefined)).to.have.length.above(10);
    const faults = blocks.flatMap(block => faultOf(block) ?? []);
    expect(faults, `\n${faults.join('\n')}\n`).to.deep.equal([]);
  });

  it('are told apart: what has no mark, names no file, or names one that does not read the page, is a fault', () => {
    const block = { page: 'README.md', line: 1, text: 'npm test', runBy: undefined, notRun: undefined };
    expect(faultOf(block)).to.include('README.md:1 (`npm test`)').and.include('<!-- not run: the reason -->');
    expect(faultOf({ ...block, runBy: 'test/none.test.ts' })).to.include('does not exist');
    expect(faultOf({ ...block, runBy: 'test/unit/docs/parity.test.ts' })).to.include('has no call');
    expect(faultOf({ ...block, notRun: 'it takes an hour' })).to.equal(undefined);
  });

  it('are lines without comments, and with what is continued', () => {
    expect(commandLines("# first\ncurl -s a \\\n  -d '#1'   # then\n\nls")).to.deep.equal(["curl -s a -d '#1'", 'ls']);
  });
});
