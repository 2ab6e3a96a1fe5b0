import fc from 'fast-check';

/** Whatever may stand in the value of a header. */
const rough = fc.string({ unit: fc.constantFrom(...Array.from('ab0 \t,;="*/\\\'(){}[]<>:.%-_~\xe4\xff')), maxLength: 20 });
const LONG = 'k'.repeat(5_000);

/** What the API reads, with good values and such as are nearly so. */
const KNOWN: Record<string, string[]> = {
  'idempotency-key': ['k1', 'k2', 'k3', '', ' ', 'a b', '"k"', LONG, '__proto__', '\xe4'],
  prefer: [
    'wait=1',
    'wait=60',
    'return=representation',
    'wait=-1',
    'wait=1e9',
    'wait="5"; a=b, return=minimal',
    'wait=0',
    'wait',
    ',',
  ],
  'if-match': ['*', '"1"', 'W/"1"', '"a", "b"', '1', '', '""', LONG],
  'if-none-match': ['*', '"1"', 'W/"1"', '"a",,"b"', ''],
  'content-type': [
    'application/json',
    'application/json; charset=utf-8',
    'application/json; charset=utf-16',
    'text/plain',
    '',
    '/',
    'a/b;;',
  ],
  'content-encoding': ['identity', 'gzip', ''],
  accept: ['*/*', 'application/json', 'text/html', 'application/json;q=0', ''],
  'x-request-id': ['abc', '', 'a\tb', LONG],
  'sec-fetch-site': ['same-origin', 'cross-site', 'none', 'x'],
  origin: ['http://127.0.0.1', 'https://evil.example', 'null', ''],
  host: ['127.0.0.1', 'localhost:1', 'evil.example', '[::1]', ''],
  'last-event-id': ['1', '-1', 'x', LONG],
};

const one = fc.oneof(
  ...Object.entries(KNOWN).map(([name, values]) =>
    fc.tuple(fc.constant(name), fc.oneof({ weight: 4, arbitrary: fc.constantFrom(...values) }, { weight: 1, arbitrary: rough })),
  ),
);

/** Mostly none. */
export const headers: fc.Arbitrary<Record<string, string>> = fc.oneof(
  { weight: 3, arbitrary: fc.constant<Record<string, string>>({}) },
  { weight: 1, arbitrary: fc.array(one, { minLength: 1, maxLength: 3 }).map(all => Object.fromEntries(all)) },
);
