import { expect } from 'chai';

import { MANIFEST, parseManifest, type Entry } from '../../../../src/plugins/file/manifest.js';

const DIGEST = 'a'.repeat(64);
const OTHER = 'b'.repeat(64);

describe('a manifest', () => {
  it('is read the same however its bytes arrive', async () => {
    const text = `ä,b.txt,${DIGEST},1\r\n\n deep/c ,${OTHER.toUpperCase()} , 002\nlast,${DIGEST},1`.replace(' deep/c ', 'deep/c');
    const expected: Entry[] = [
      { name: 'ä,b.txt', sha256: DIGEST, size: 1 },
      { name: 'deep/c', sha256: OTHER, size: 2 },
      { name: 'last', sha256: DIGEST, size: 1 },
    ];
    for (const step of [1, 2, 7, 64, 10_000]) expect(await parse(text, step), `${step} bytes at a time`).to.deep.equal(expected);
  });

  it('may be empty', async () => {
    expect(await parse('')).to.deep.equal([]);
  });

  it('names the line that is wrong, and what was expected', async () => {
    const message = await failure(`a,${DIGEST},1\nb,${DIGEST}\n`);
    expect(message).to.contain(`line 2 of ${MANIFEST}`);
    expect(message).to.contain('name,sha256,size');
  });

  it('shows no more of a line than helps', async () => {
    expect((await failure(`${'long'.repeat(500)}\n`)).length).to.be.below(300);
  });

  for (const [title, line] of [
    ['a size of -1', `a,${DIGEST},-1`],
    ['a size of 1.5', `a,${DIGEST},1.5`],
    ['a size of 1e3', `a,${DIGEST},1e3`],
    ['a size above what a number holds', `a,${DIGEST},9007199254740993`],
    ['no size', `a,${DIGEST},`],
    ['a short digest', `a,${DIGEST.slice(1)},1`],
    ['a digest that is not hexadecimal', `a,${'g'.repeat(64)},1`],
    ['no name', `,${DIGEST},1`],
    ['a name with a line feed of another kind', `a\u0085b,${DIGEST},1`],
    ['a name that begins with a space', ` a,${DIGEST},1`],
    ['a name that ends with a slash', `a/,${DIGEST},1`],
    ['one checksum with two sizes', `a,${DIGEST},1\nb,${DIGEST},2`],
  ] as const) {
    it(`with ${title} is refused`, async () => {
      expect(await failure(line)).to.match(/^line \d+ of PULP_MANIFEST/);
    });
  }

  it('without an end is refused before it fills the memory', async () => {
    expect(await outcome(parseManifest(endless(n => `${n}${'n'.repeat(3_900)},${DIGEST},1\n`)))).to.contain('longer than');
    expect(await outcome(parseManifest(endless(() => '\n'.repeat(50_000))))).to.contain('at most 1000000 lines');
  });
});

async function* endless(next: (n: number) => string): AsyncGenerator<Uint8Array> {
  for (let n = 0; ; n += 1) yield await Promise.resolve(Buffer.from(next(n)));
}

async function parse(text: string, step = 1_000): Promise<Entry[]> {
  return parseManifest(chunks(Buffer.from(text), step));
}

async function* chunks(bytes: Buffer, step: number): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < bytes.length; at += step) yield await Promise.resolve(bytes.subarray(at, at + step));
}

function failure(text: string): Promise<string> {
  return outcome(parse(text));
}

async function outcome(parsing: Promise<Entry[]>): Promise<string> {
  try {
    return `accepted: ${JSON.stringify(await parsing)}`;
  } catch (error) {
    return (error as Error).message;
  }
}
