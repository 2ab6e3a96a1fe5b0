import type { AccessRole } from '../core/access.js';

/** A bearer token. The token itself is nowhere: only whoever holds it can show it. */
export interface Token {
  /** UUIDv7. */
  id: string;
  /** Unique among those that are there. */
  name: string;
  role: AccessRole;
  /** SHA-256 of the whole token, in hex. */
  hash: string;
  /** How it begins, so that people can tell tokens apart. */
  hint: string;
  createdAt: Date;
  /** The name of the token that made it, or `local`. */
  createdBy: string;
  expiresAt?: Date;
  /** Server time, to the minute. */
  lastUsedAt?: Date;
}

export type NewToken = Omit<Token, 'createdAt' | 'lastUsedAt'>;

export interface TokenStore {
  /** Undefined: the name is taken. `createdAt` is server time; repeated with the same id (a lost answer), it gives what is stored. Throws StoreError. */
  create(token: NewToken): Promise<Token | undefined>;
  get(id: string): Promise<Token | undefined>;
  byName(name: string): Promise<Token | undefined>;
  byHash(hash: string): Promise<Token | undefined>;
  /** In order of id, after this one. */
  list(limit: number, afterId?: string): Promise<Token[]>;
  /** False: it was not there. */
  remove(id: string): Promise<boolean>;
  /** Whether there is one at all, expired or not. */
  any(): Promise<boolean>;
  /** Notes that it was used now, unless that was noted within the last `quietMs`. */
  used(id: string, quietMs: number): Promise<void>;
}
