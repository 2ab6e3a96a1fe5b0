/** One element of DER (X.690): its tag, itself, and what is in it. */
export interface Element {
  tag: number;
  whole: Buffer;
  content: Buffer;
}

/** The first element of some bytes. Throws RangeError for what is cut off or is no DER. */
export function elementOf(bytes: Buffer): Element {
  const [tag, first] = [bytes.readUInt8(0), bytes.readUInt8(1)];
  const more = first < 0x80 ? 0 : first & 0x7f;
  if (more > 4) throw new RangeError('no DER');
  const length = more === 0 ? first : bytes.readUIntBE(2, more);
  const begin = 2 + more;
  if (first === 0x80 || begin + length > bytes.length) throw new RangeError('no DER');
  return { tag, whole: bytes.subarray(0, begin + length), content: bytes.subarray(begin, begin + length) };
}

/** All elements that some bytes consist of. */
export function elementsOf(bytes: Buffer): Element[] {
  const elements: Element[] = [];
  for (let rest = bytes; rest.length > 0;) {
    const next = elementOf(rest);
    elements.push(next);
    rest = rest.subarray(next.whole.length);
  }
  return elements;
}

const UTC_TIME = 0x17;
const GENERALIZED_TIME = 0x18;

export function isTime({ tag }: Element): boolean {
  return tag === UTC_TIME || tag === GENERALIZED_TIME;
}

/** RFC 5280 section 4.1.2.5: always with seconds and in UTC; two digits of a year mean 1950 to 2049. */
export function timeOf({ tag, content }: Element): Date {
  const text = content.toString('latin1');
  const short = Number(text.slice(0, 2));
  const whole = tag === UTC_TIME ? `${short < 50 ? '20' : '19'}${text}` : text;
  const [, year, month, day, hour, minute, second] = /^(\d{4})(\d\d)(\d\d)(\d\d)(\d\d)(\d\d)Z$/.exec(whole) ?? [];
  if (year === undefined) throw new RangeError('no time');
  return new Date(`${year}-${month}-${day}T${hour}:${minute}:${second}Z`);
}

const COMMON_NAME = '550403';

/** The common name in a Name, or its last part where it has none; for people. */
export function readableName(name: Element): string {
  const parts = elementsOf(name.content)
    .flatMap(set => elementsOf(set.content))
    .map(pair => elementsOf(pair.content));
  const [, value] = parts.find(([type]) => type?.content.toString('hex') === COMMON_NAME) ?? parts.at(-1) ?? [];
  return value?.content.toString('utf8').replaceAll(/\p{Cc}/gu, '?') ?? 'a nameless authority';
}
