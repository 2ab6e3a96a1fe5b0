import fc from 'fast-check';

/** JSON in parts that can be taken apart: text as it stands, a list, or members, which may come twice. */
type Part = string | Part[] | Members;
interface Members {
  members: [key: string, value: Part][];
}

/** One thing that is done to a good value, somewhere in it. */
interface Change {
  at: number;
  how: 'replace' | 'remove' | 'double' | 'rename' | 'add' | 'nest' | 'swap';
  key: string;
  value: string;
  levels: number;
}

/** What is done to the bytes at the end. */
export interface Damage {
  how: 'none' | 'cut' | 'byte' | 'mark';
  at: number;
  byte: number;
}

const KEYS = [
  '__proto__',
  'constructor',
  'prototype',
  'toString',
  '_bsontype',
  '$where',
  '$gt',
  'a.b',
  '',
  'id',
  'name',
  'state',
  'x',
];
const ODD_KEYS = [...KEYS.map(key => JSON.stringify(key)), '"\\u0000"', '"\\ud800"', '"\\u202e"', `"${'k'.repeat(2_000)}"`];
const ODD_NUMBERS = ['0', '-0', '-1', '1.5', '1e400', '-1e400', '1e-400', '9007199254740993', '2147483648', '4294967296', '1e21'];
const ODD_TEXTS = [
  '',
  ' ',
  '7',
  'true',
  '__proto__',
  'constructor',
  '../../etc/passwd',
  '$where',
  'PT1H',
  'P1Y',
  'PT0S',
  '2026-02-30T00:00:00Z',
];
const ODD_ESCAPES = [
  '"\\u0000"',
  '"\\ud800"',
  '"\\udc00x"',
  '"\\u202e"',
  '"\\u2066"',
  '"\\r\\n"',
  '"\\u001b[2J"',
  '"e\\u0301"',
  '"\\ud83d\\ude80"',
];
const ODD_CONTAINERS = [
  '[]',
  '{}',
  '[[]]',
  '{"$gt":""}',
  '{"__proto__":{}}',
  '{"_bsontype":"ObjectId"}',
  '{"constructor":{"prototype":{}}}',
  '{"a":1,"a":2}',
];
const LONG = [`"${'x'.repeat(300)}"`, `[${'0,'.repeat(200)}0]`];
const ODD = [
  ...['null', 'true', 'false'],
  ...[ODD_NUMBERS, ODD_TEXTS.map(text => JSON.stringify(text)), ODD_ESCAPES, ODD_CONTAINERS, LONG].flat(),
];

const change: fc.Arbitrary<Change> = fc.record({
  at: fc.nat({ max: 999 }),
  how: fc.constantFrom('replace', 'replace', 'replace', 'remove', 'double', 'rename', 'add', 'nest', 'swap'),
  key: fc.constantFrom(...ODD_KEYS),
  value: fc.oneof({ weight: 6, arbitrary: fc.constantFrom(...ODD) }, { weight: 1, arbitrary: fc.json({ maxDepth: 3 }) }),
  levels: fc.integer({ min: 1, max: 60 }),
});
const damage: fc.Arbitrary<Damage> = fc.record({
  how: fc.constantFrom('none', 'none', 'none', 'none', 'none', 'none', 'none', 'none', 'none', 'cut', 'byte', 'mark'),
  at: fc.nat({ max: 9_999 }),
  byte: fc.nat({ max: 255 }),
});

/** Bytes of a good value to which up to three things were done; some are as good as they were. */
export function garbled(good: readonly unknown[]): fc.Arbitrary<Buffer> {
  const parts = good.map(partOf);
  return fc
    .tuple(fc.nat({ max: good.length - 1 }), fc.array(change, { maxLength: 3 }), damage)
    .map(([which, changes, bytes]) =>
      legible(damaged(textOf(changes.reduce(changed, structuredClone(parts[which] ?? ''))), bytes)),
    );
}

/** Reports show its text, not its bytes one by one. */
function legible(bytes: Buffer): Buffer {
  const text = (): string => `Buffer.from(${JSON.stringify(bytes.toString('latin1'))}, 'latin1')`;
  return Object.assign(bytes, { [fc.toStringMethod]: text });
}

/** The bytes of a text, cut short, with another byte somewhere, or behind a byte order mark. */
export function damaged(text: string | Buffer, { how, at, byte }: Damage): Buffer {
  const bytes = Buffer.from(text);
  const place = at % Math.max(1, bytes.length);
  if (how === 'cut') return bytes.subarray(0, place);
  if (how === 'mark') return Buffer.concat([Buffer.from('\ufeff'), bytes]);
  if (how === 'byte' && bytes.length > 0) bytes[place] = byte;
  return bytes;
}

export { damage };

function partOf(value: unknown): Part {
  if (Array.isArray(value)) return value.map(partOf);
  if (typeof value !== 'object' || value === null) return JSON.stringify(value);
  return { members: Object.entries(value).map(([key, member]) => [JSON.stringify(key), partOf(member)]) };
}

function textOf(part: Part): string {
  if (typeof part === 'string') return part;
  if (Array.isArray(part)) return `[${part.map(textOf).join(',')}]`;
  return `{${part.members.map(([key, value]) => `${key}:${textOf(value)}`).join(',')}}`;
}

/** A place in a value, and how something else is put there. */
interface Slot {
  part: Part;
  put: (part: Part) => void;
}

function slotsOf(slot: Slot): Slot[] {
  const { part } = slot;
  if (typeof part === 'string') return [slot];
  if (Array.isArray(part)) {
    return [slot, ...part.flatMap((each, at) => slotsOf({ part: each, put: next => (part[at] = next) }))];
  }
  return [slot, ...part.members.flatMap(member => slotsOf({ part: member[1], put: next => (member[1] = next) }))];
}

function changed(root: Part, wish: Change): Part {
  let whole = root;
  const slots = slotsOf({ part: root, put: next => (whole = next) });
  const slot = slots[wish.at % slots.length];
  if (!slot) return root;
  const { part } = slot;
  if (wish.how === 'replace') slot.put(wish.value);
  else if (wish.how === 'nest') slot.put(nested(part, wish.levels));
  else if (wish.how === 'swap') slot.put(structuredClone(slots[(wish.at * 7 + wish.levels) % slots.length]?.part ?? part));
  else if (typeof part !== 'string') inside(part, wish);
  else slot.put(wish.value);
  return whole;
}

function nested(part: Part, levels: number): Part {
  return `${'['.repeat(levels)}${textOf(part)}${']'.repeat(levels)}`;
}

function inside(part: Part[] | Members, { how, at, key, value }: Change): void {
  const list: unknown[] = Array.isArray(part) ? part : part.members;
  const place = at % Math.max(1, list.length);
  if (how === 'remove') list.splice(place, 1);
  else if (how === 'double' && list.length > 0) list.push(structuredClone(list[place]));
  else if (how === 'rename' && !Array.isArray(part) && part.members[place]) part.members[place][0] = key;
  else list.push(Array.isArray(part) ? value : [key, value]);
}
