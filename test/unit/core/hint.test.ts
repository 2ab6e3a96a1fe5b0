import { expect } from 'chai';
import fc from 'fast-check';

import { decodeControl, decodeHint, encode, IDS_PER_HINT, MAX_HINT_BYTES } from '../../../src/core/hint.js';

const ID = '0198c1f7-0000-7000-8000-0123456789ab';
const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);

describe('hints', () => {
  it('survive the wire', () => {
    expect(decodeHint(encode({ kind: 'start', task: ID }))).to.deep.equal({ ok: true, value: { kind: 'start', task: ID } });
    expect(decodeControl(encode({ kind: 'cancel', task: ID }))).to.deep.equal({ ok: true, value: { kind: 'cancel', task: ID } });
    const ended = { kind: 'ended', tasks: Array.from({ length: IDS_PER_HINT }, () => ID) } as const;
    expect(encode({ ...ended, tasks: [...ended.tasks] }).length).to.be.at.most(MAX_HINT_BYTES);
    expect(decodeControl(encode({ ...ended, tasks: [...ended.tasks] }))).to.deep.equal({ ok: true, value: ended });
  });

  it('stay below 1 KiB with as many ids as one may carry', () => {
    const tasks = Array.from({ length: IDS_PER_HINT }, () => ID);
    const wire = encode({ kind: 'changed', tasks });
    expect(wire.length).to.be.at.most(MAX_HINT_BYTES);
    expect(decodeHint(wire)).to.deep.equal({ ok: true, value: { kind: 'changed', tasks } });
  });

  const forged: [string, Uint8Array][] = [
    ['nothing', bytes('')],
    ['text', bytes('start')],
    ['null', bytes('null')],
    ['a list', bytes('[]')],
    ['a string', bytes('"x"')],
    ['a byte order mark', bytes(`\ufeff{"v":1,"kind":"start","task":"${ID}"}`)],
    ['bytes that are no text', Uint8Array.of(0xff, 0xfe, 0x00)],
    ['no version', bytes(`{"kind":"start","task":"${ID}"}`)],
    ['a newer version', bytes(`{"v":2,"kind":"start","task":"${ID}"}`)],
    ['a version that cannot be text', bytes(`{"v":{"toString":null},"kind":"start","task":"${ID}"}`)],
    ['no task', bytes('{"v":1,"kind":"start"}')],
    ['an operator for an id', bytes('{"v":1,"kind":"start","task":{"$gt":""}}')],
    ['an id that is none', bytes('{"v":1,"kind":"start","task":"../../etc"}')],
    ['another kind', bytes(`{"v":1,"kind":"eval","task":"${ID}"}`)],
    ['too many ids', bytes(JSON.stringify({ v: 1, kind: 'changed', tasks: Array.from({ length: 21 }, () => ID) }))],
    ['too many bytes', bytes(`{"v":1,"kind":"start","task":"${ID}","pad":"${'x'.repeat(MAX_HINT_BYTES)}"}`)],
  ];
  for (const [what, wire] of forged) {
    it(`refuse ${what}, with a reason`, () => {
      const decoded = decodeHint(wire);
      expect(decoded.ok).to.equal(false);
      expect(decoded.ok ? '' : decoded.reason).to.have.length.greaterThan(3);
      expect(decodeControl(wire).ok).to.equal(false);
    });
  }

  it('are counted by why they are refused: a newer version apart from everything else', () => {
    const counted = forged.map(([what, wire]) => {
      const decoded = decodeHint(wire);
      return [what, decoded.ok ? 'read' : decoded.why];
    });
    const why = Object.fromEntries(counted) as Record<string, string>;
    expect(why).to.include({ 'too many bytes': 'size', text: 'format', null: 'format', 'a newer version': 'version' });
    expect(why).to.include({ 'no version': 'content', 'an operator for an id': 'content', 'another kind': 'content' });
    expect(counted.filter(([, word]) => word === 'version')).to.have.length(1);
  });

  it('never throw, whatever the bytes', () => {
    fc.assert(fc.property(fc.uint8Array({ maxLength: 2_000 }), wire => !decodeHint(wire).ok && !decodeControl(wire).ok));
    fc.assert(fc.property(fc.json(), text => !decodeHint(bytes(text)).ok));
  });
});
