/** What a token lets its holder do; each role includes those before it. */
export const ACCESS_ROLES = ['read', 'submit', 'operate', 'admin'] as const;
export type AccessRole = (typeof ACCESS_ROLES)[number];

/** Whether a role is enough where this one is needed. */
export function includesRole(role: AccessRole, needed: AccessRole): boolean {
  return ACCESS_ROLES.indexOf(role) >= ACCESS_ROLES.indexOf(needed);
}

/** By which scanners of leaked secrets, and our own logs, know a token: 256 random bits behind a word of ours. */
export const TOKEN_BEGINNING = 'ilk_';
export const TOKEN_PATTERN = /^ilk_[A-Za-z0-9_-]{43}$/;

/** Who may call a token so. Two names stand for those who have none. */
export const TOKEN_NAME = /^(?!(?:local|anonymous)$)[A-Za-z0-9][A-Za-z0-9._@-]{0,63}$/;
/** In the audit trail: whoever could do it without a token, on this machine. */
export const LOCAL = 'local';
