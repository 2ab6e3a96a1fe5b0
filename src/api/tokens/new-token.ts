import { randomBytes } from 'node:crypto';

import { TOKEN_BEGINNING, TOKEN_NAME, type AccessRole } from '../../core/access.js';
import { InterlockError, invalid } from '../../core/errors.js';
import { momentOf } from '../../dispatch/moment.js';
import type { NewToken } from '../../store/store.js';
import { hashOf } from '../access/known-tokens.js';

export interface TokenWish {
  name: string;
  role: AccessRole;
  /** Seconds from now, an ISO 8601 duration, or a time. */
  expires?: number | string | undefined;
}

/** Of 32 random bytes; so many of its characters are shown ever after. */
const HINT = TOKEN_BEGINNING.length + 4;

/** A token that nobody has seen yet, and what is stored of it. Throws VALIDATION_FAILED. */
export function newToken(
  { name, role, expires }: TokenWish,
  { id, by, now }: { id: string; by: string; now: Date },
): { text: string; record: NewToken } {
  if (!TOKEN_NAME.test(name))
    throw invalid(
      '/name',
      'expected 1 to 64 of A-Z a-z 0-9 . _ @ -, beginning with a letter or a digit, and neither "local" nor "anonymous"',
    );
  const expiresAt = expires === undefined ? undefined : momentOf(expires, now, '/expires');
  if (expiresAt && expiresAt <= now) throw invalid('/expires', 'lies in the past', 'date_invalid');
  const text = TOKEN_BEGINNING + randomBytes(32).toString('base64url');
  const record = {
    id,
    name,
    role,
    hash: hashOf(text),
    hint: text.slice(0, HINT),
    createdBy: by,
    ...(expiresAt && { expiresAt }),
  };
  return { text, record };
}

export function nameTaken(name: string): InterlockError {
  return new InterlockError('CONFLICT', `There is a token named "${name}" already: revoke it, or choose another name.`);
}
