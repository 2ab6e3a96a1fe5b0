import { PassThrough } from 'node:stream';

import { expect } from 'chai';

import { ago, createOutput, details, table, type Streams } from '../../../src/cli/output.js';

function terminal(isTTY: boolean): Streams & { text(): string } {
  const stdout = Object.assign(new PassThrough(), { isTTY });
  return { stdout, stderr: new PassThrough(), text: () => String(stdout.read() ?? '') };
}

describe('What a command prints', () => {
  it('is for people on a terminal, and one line of JSON in a pipe or when asked for', () => {
    const cases: [boolean, boolean | undefined, string][] = [
      [true, undefined, 'one thing\n'],
      [true, true, '{"n":1}\n'],
      [false, undefined, '{"n":1}\n'],
    ];
    for (const [isTTY, json, expected] of cases) {
      const streams = terminal(isTTY);
      createOutput({ json }, streams).data({ n: 1 }, () => 'one thing');
      expect(streams.text()).to.equal(expected);
    }
  });

  it('lines up its columns, and keeps control characters of others off the terminal', () => {
    const text = table(
      ['ID', 'NAME'],
      [
        ['1', 'a\u001b[2Jb\nc'],
        ['22', null],
      ],
      'nothing',
    );
    expect(text).to.equal('ID  NAME\n1   a [2Jb c\n22');
    expect(table(['ID'], [], 'No tasks.')).to.equal('No tasks.');
  });

  it('leaves out what is empty', () => {
    expect(details({ id: 'x', none: null, list: [], names: ['a', 'b'], map: { k: 1 } })).to.equal(
      'id     x\nnames  a, b\nmap    {"k":1}',
    );
  });

  it('says how long ago', () => {
    const at = (seconds: number): string => ago(new Date(0).toISOString(), seconds * 1_000);
    expect([at(-5), at(119), at(120), at(7_200), at(172_800), ago(null)]).to.deep.equal([
      '0 s',
      '119 s',
      '2 min',
      '2 h',
      '2 d',
      '',
    ]);
  });
});
