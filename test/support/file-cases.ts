import { createHash } from 'node:crypto';

import { lineOf, manifestOf, type Behaviour, type TestOrigin } from './origin.js';

/** Somewhere to break a repository: the folder of the origin that it mirrors. */
export interface Broken {
  origin: TestOrigin;
  folder: string;
  /** Replaces the manifest. */
  manifest(text: string | Buffer): void;
  /** A manifest that names this file next to the sound one, and how the origin answers for it. */
  file(behaviour: Behaviour): void;
}

/** One way in which an origin can be broken, and the code with which a sync of it fails. */
export interface BadCase {
  title: string;
  code: string;
  break(at: Broken): void;
  settings?: Record<string, unknown>;
  /** How often the broken file is asked for: that there are no retries, or how many. */
  asks?: number;
}

/** Name and body of the file that the cases break; 40 bytes. */
export const BAD_FILE = 'pool/bad.bin';
export const BODY = 'ten bytes!'.repeat(4);

const hasty = { connect_timeout: 0.5, read_timeout: 0.3 };
const digest = createHash('sha256').update(BODY).digest('hex');

const manifest = (title: string, code: string, text: string | Buffer): BadCase => ({
  title: `a manifest ${title}`,
  code,
  break: at => at.manifest(text),
});
const named = (name: string): BadCase => manifest(`with the name ${JSON.stringify(name)}`, 'PATH_TRAVERSAL', lineOf(name, BODY));
const redirect = (title: string, to: (at: Broken) => string): BadCase => ({
  title: `a redirect ${title}`,
  code: 'REDIRECT_REFUSED',
  break: at => at.file({ redirect: to(at) }),
});
const listed = (title: string, code: string, line: string): BadCase => ({
  title,
  code,
  break: at => {
    at.file({ body: BODY });
    at.manifest(line);
  },
});

export const BAD_CASES: readonly BadCase[] = [
  { title: 'a wrong checksum', code: 'CHECKSUM_MISMATCH', break: at => at.file({ body: 'TEN BYTES!'.repeat(4) }), asks: 1 },
  listed('a size that is too small', 'SIZE_MISMATCH', `${BAD_FILE},${digest},39\n`),
  listed('a size that is too large', 'SIZE_MISMATCH', `${BAD_FILE},${digest},41\n`),
  {
    title: 'more bytes than announced, without a length',
    code: 'SIZE_MISMATCH',
    break: at => at.file({ body: `${BODY}and more`, length: null }),
  },
  {
    title: 'fewer bytes than announced, without a length',
    code: 'SIZE_MISMATCH',
    break: at => at.file({ body: 'short', length: null }),
  },
  { title: 'a Content-Length that lies', code: 'SIZE_MISMATCH', break: at => at.file({ body: BODY, length: 4_000 }) },
  { title: 'a 500', code: 'ORIGIN_ERROR', break: at => at.file({ status: 500 }), asks: 1 },
  { title: 'a 404', code: 'ORIGIN_ERROR', break: at => at.file({ status: 404 }), asks: 1 },
  { title: 'a 503 that stays', code: 'ORIGIN_ERROR', break: at => at.file({ status: 503 }), asks: 3 },
  {
    title: 'a connection that always breaks',
    code: 'ORIGIN_UNREACHABLE',
    break: at => at.file({ body: BODY, cut: true }),
    asks: 3,
  },
  {
    title: 'a manifest that is missing',
    code: 'ORIGIN_ERROR',
    break: at => at.origin.at(`${at.folder}/PULP_MANIFEST`, { status: 404 }),
  },
  {
    title: 'a server that stalls before its answer',
    code: 'ORIGIN_TIMEOUT',
    break: at => at.file({ stall: 'headers' }),
    settings: hasty,
    asks: 1,
  },
  {
    title: 'a server that stalls in its answer',
    code: 'ORIGIN_TIMEOUT',
    break: at => at.file({ body: BODY, stall: 'body' }),
    settings: hasty,
    asks: 1,
  },
  redirect('to ftp', () => 'ftp://127.0.0.1/pool/bad.bin'),
  redirect('to a local file', () => 'file:///etc/passwd'),
  redirect('with credentials', ({ origin }) => origin.url.replace('//', '//user:secret@')),
  redirect('to itself', ({ folder }) => `/${folder}/${BAD_FILE}`),
  redirect('to nowhere', () => 'http://'),
  named('../../etc/passwd'),
  named('/etc/passwd'),
  named('a/../../b'),
  named('./a'),
  named('a\\..\\b'),
  named('a\0b'),
  manifest('with an empty part in a name', 'MANIFEST_INVALID', lineOf('a//b', BODY)),
  manifest('with a name twice', 'MANIFEST_INVALID', lineOf('a', BODY) + lineOf('a', 'other')),
  manifest('that lists itself', 'MANIFEST_INVALID', lineOf('PULP_MANIFEST', BODY)),
  manifest('with a digest that is none', 'MANIFEST_INVALID', 'a,123,4\n'),
  manifest('with a negative size', 'MANIFEST_INVALID', `a,${digest},-4\n`),
  manifest('with a size beyond all numbers', 'MANIFEST_INVALID', `a,${digest},99999999999999999999\n`),
  manifest('that is a web page', 'MANIFEST_INVALID', '<html><body>Welcome</body></html>\n'),
  manifest('that is no text', 'MANIFEST_INVALID', Buffer.from([0xff, 0xfe, 0x2c, 0x0a])),
  manifest('with an endless line', 'MANIFEST_INVALID', 'x'.repeat(5_000)),
  manifest('of more than the disk holds', 'DISK_FULL', `${BAD_FILE},${digest},9007199254740991\n`),
];

/** The sound file that stands beside the broken one. */
export const GOOD_FILES = { 'good.txt': 'sound\n', 'pool/too.txt': 'sound, too\n' };

/** What a case may do to a folder of an origin that serves `GOOD_FILES`. */
export function breakable(origin: TestOrigin, folder: string): Broken {
  const broken: Broken = {
    origin,
    folder,
    manifest: text => void origin.at(`${folder}/PULP_MANIFEST`, { body: text }),
    file: behaviour => {
      origin.at(`${folder}/${BAD_FILE}`, behaviour);
      broken.manifest(manifestOf({ ...GOOD_FILES, 'new.txt': 'new, and sound\n' }) + lineOf(BAD_FILE, BODY));
      origin.at(`${folder}/new.txt`, { body: 'new, and sound\n' });
    },
  };
  return broken;
}
