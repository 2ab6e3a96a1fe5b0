import { readFileSync } from 'node:fs';

import { expect } from 'chai';

import { CLI_PAGE, cliPage, helpOf, leavesOf } from '../../support/cli-page.js';
import { buildProgram } from '../../../src/cli/program.js';

describe('The reference of the command line', () => {
  it('is the one of the program', () => {
    const page = readFileSync(CLI_PAGE, 'utf8');
    expect(page, 'write it anew: node --import tsx test/support/cli-page.ts --write').to.equal(cliPage());
  });

  it('has an example of every command', () => {
    for (const { path, command } of leavesOf(buildProgram())) expect(helpOf(command), path).to.match(/Examples?:\n {2}\S/);
  });
});
