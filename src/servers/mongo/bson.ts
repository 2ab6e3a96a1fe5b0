/**
 * The little of BSON that starting a replica set takes. Numbers are 32-bit integers on the way out. What is not listed in
 * `read` comes back as undefined; the store's own traffic goes through MongoDB's driver, never through here.
 */
export type Value = number | string | boolean | readonly Value[] | Fields | undefined;
export interface Fields {
  readonly [name: string]: Value;
}

export function encode(fields: Fields): Buffer {
  const elements = Object.entries(fields).map(([name, value]) => element(name, value));
  const body = Buffer.concat([...elements, Buffer.of(0)]);
  return Buffer.concat([int32(body.length + 4), body]);
}

function element(name: string, value: Value): Buffer {
  const [type, bytes] = typed(value);
  return Buffer.concat([Buffer.of(type), Buffer.from(`${name}\0`), bytes]);
}

function typed(value: Value): [type: number, bytes: Buffer] {
  if (typeof value === 'number') return [0x10, int32(value)];
  if (typeof value === 'boolean') return [0x08, Buffer.of(value ? 1 : 0)];
  if (typeof value === 'string') {
    const text = Buffer.from(`${value}\0`);
    return [0x02, Buffer.concat([int32(text.length), text])];
  }
  if (Array.isArray(value)) return [0x04, encode(Object.fromEntries((value as readonly Value[]).entries()))];
  return [0x03, encode((value ?? {}) as Fields)];
}

function int32(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeInt32LE(value);
  return bytes;
}

export function decode(bytes: Buffer): Fields {
  const fields: Record<string, Value> = {};
  let at = 4;
  while (at < bytes.length && bytes[at] !== 0) {
    const type = bytes[at];
    const nameEnd = bytes.indexOf(0, at + 1);
    const name = bytes.toString('utf8', at + 1, nameEnd);
    const [size, value] = read(type, bytes.subarray(nameEnd + 1));
    fields[name] = value;
    at = nameEnd + 1 + size;
  }
  return fields;
}

function read(type: number | undefined, bytes: Buffer): [size: number, value: Value] {
  switch (type) {
    case 0x01:
      return [8, bytes.readDoubleLE()];
    case 0x02:
      return [4 + bytes.readInt32LE(), bytes.toString('utf8', 4, 3 + bytes.readInt32LE())];
    case 0x03:
      return [bytes.readInt32LE(), decode(bytes.subarray(0, bytes.readInt32LE()))];
    case 0x04:
      return [bytes.readInt32LE(), Object.values(decode(bytes.subarray(0, bytes.readInt32LE())))];
    case 0x05: // binary
      return [5 + bytes.readInt32LE(), undefined];
    case 0x07: // object id
      return [12, undefined];
    case 0x08:
      return [1, bytes[0] === 1];
    case 0x0a: // null
      return [0, undefined];
    case 0x10:
      return [4, bytes.readInt32LE()];
    case 0x09: // date
    case 0x11: // timestamp
      return [8, undefined];
    case 0x12:
      return [8, Number(bytes.readBigInt64LE())];
    default:
      throw new Error(`A reply of mongod holds the BSON type ${type ?? '?'}, which is not read here`);
  }
}
