import { Type, type Static } from 'typebox';

import { ACCESS_ROLES, type AccessRole } from '../../core/access.js';
import { API_BASE } from '../../core/task-view.js';
import type { Token } from '../../store/store.js';
import { Time, orNull } from '../schemas.js';

export const RoleSchema = Type.Unsafe<AccessRole>({
  type: 'string',
  enum: [...ACCESS_ROLES],
  description: 'What its holder may do; each role includes those before it.',
});

const fields = {
  id: Type.String({ format: 'uuid' }),
  href: Type.String(),
  name: Type.String(),
  role: RoleSchema,
  hint: Type.String({ description: 'How the token begins.' }),
  createdAt: Time,
  createdBy: Type.String({ description: 'The name of a token, or `local`.' }),
  expiresAt: orNull(Time),
  expired: Type.Boolean(),
  lastUsedAt: orNull(Type.String({ format: 'date-time', description: 'To the minute.' })),
};
export const TokenSchema = Type.Object(fields, { $id: 'Token', additionalProperties: false });
export const NewTokenSchema = Type.Object(
  { ...fields, token: Type.String({ description: 'The token itself: it is shown here, and never again.' }) },
  { $id: 'NewToken', additionalProperties: false },
);
export type TokenView = Static<typeof TokenSchema>;

export const hrefOf = (id: string): string => `${API_BASE}/tokens/${id}`;

/** All but the hash. */
export function viewOf({ id, name, role, hint, createdAt, createdBy, expiresAt, lastUsedAt }: Token, now: Date): TokenView {
  return {
    ...{ id, href: hrefOf(id), name, role, hint, createdBy },
    createdAt: createdAt.toISOString(),
    expiresAt: expiresAt?.toISOString() ?? null,
    expired: expiresAt !== undefined && expiresAt <= now,
    lastUsedAt: lastUsedAt?.toISOString() ?? null,
  };
}
