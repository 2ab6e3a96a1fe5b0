/** A plugin's own records: small documents with a revision, in collections that the plugin names. */
export type StoredDocument<T> = T & { id: string; revision: number };

export interface DocumentStore<T extends object> {
  /** Undefined: the id is taken. */
  insert(id: string, document: T): Promise<StoredDocument<T> | undefined>;
  get(id: string): Promise<StoredDocument<T> | undefined>;
  /** In order of id, after this one. */
  list(limit: number, afterId?: string): Promise<StoredDocument<T>[]>;
  /** Replaces exactly this revision and raises it. Undefined: it has changed meanwhile, or is gone. */
  replace(id: string, revision: number, document: T): Promise<StoredDocument<T> | undefined>;
  remove(id: string): Promise<boolean>;
}

export interface Documents {
  /** `name` is `[a-z_]{1,40}`; documents are stored as given (dates stay dates). */
  collection<T extends object>(name: string): DocumentStore<T>;
}
