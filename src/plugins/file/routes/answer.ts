import type { IncomingHttpHeaders } from 'node:http';

import type { Entry } from '../manifest.js';

/** First and last byte, both included. */
interface Range {
  start: number;
  end: number;
}

/** What an answer consists of, decided before the file is opened. */
export interface Answer {
  code: 200 | 206 | 304 | 416;
  headers: Record<string, string | number>;
  /** Bytes to send, both included; absent where there are none. */
  range?: Range;
}

/** How to answer for this file, whose content has its checksum as tag. */
export function answerTo(headers: IncomingHttpHeaders, { sha256, size }: Pick<Entry, 'sha256' | 'size'>): Answer {
  const etag = `"${sha256}"`;
  const common = { etag, 'accept-ranges': 'bytes' };
  if (headers['if-none-match']?.includes(etag) === true) return { code: 304, headers: common };
  const condition = headers['if-range'];
  const range = condition === undefined || condition === etag ? rangeOf(headers.range, size) : undefined;
  if (range === 'unsatisfiable')
    return { code: 416, headers: { ...common, 'content-length': 0, 'content-range': `bytes */${size}` } };
  if (range === undefined) {
    return { code: 200, headers: { ...common, 'content-length': size }, ...(size > 0 && { range: { start: 0, end: size - 1 } }) };
  }
  const { start, end } = range;
  return {
    code: 206,
    headers: { ...common, 'content-length': end - start + 1, 'content-range': `bytes ${start}-${end}/${size}` },
    range,
  };
}

/**
 * What a Range header asks of a file of this size. Undefined: all of it, also for several ranges and for what is not understood
 * (RFC 9110 allows to ignore the header). 'unsatisfiable': nothing of it exists.
 */
function rangeOf(header: string | undefined, size: number): Range | 'unsatisfiable' | undefined {
  const match = /^bytes=(\d{0,15})-(\d{0,15})$/.exec(header ?? '');
  const [, from = '', to = ''] = match ?? [];
  if (from === '' && to === '') return undefined;
  if (from === '') return suffix(Number(to), size);
  const start = Number(from);
  const end = to === '' ? size - 1 : Number(to);
  if (to !== '' && end < start) return undefined;
  return start >= size ? 'unsatisfiable' : { start, end: Math.min(end, size - 1) };
}

/** The last bytes of the file. */
function suffix(length: number, size: number): Range | 'unsatisfiable' {
  return length === 0 || size === 0 ? 'unsatisfiable' : { start: Math.max(0, size - length), end: size - 1 };
}
