import type { DocumentStore, Documents, StoredDocument } from '../../store/store.js';
import type { StoredRepository, Version } from './repository.js';

type Owner = Pick<StoredRepository, 'id' | 'uid' | 'latest'>;

/** The versions of all repositories. What is readable is what the repository counts: numbers from 1 to its `latest`. */
export class Versions {
  readonly #documents: DocumentStore<Version>;

  constructor(documents: Documents) {
    this.#documents = documents.collection<Version>('file_versions');
  }

  async get(repository: Owner, number: number): Promise<Version | undefined> {
    if (number < 1 || number > repository.latest) return undefined;
    return this.#documents.get(idOf(repository, number));
  }

  /** In order of number, after this one. */
  async list(repository: Owner, limit: number, after = 0): Promise<Version[]> {
    const found = await this.#documents.list(Math.min(limit, repository.latest - after), idOf(repository, after));
    return found.filter(version => isOf(repository, version) && version.number <= repository.latest);
  }

  /**
   * Stores a version that the repository does not count yet; counting it is what makes it one. What an earlier, unfinished attempt left
   * under this number is overwritten. Undefined: somebody else writes under it at this moment.
   */
  async prepare(repository: Owner, version: Version): Promise<Version | undefined> {
    const id = idOf(repository, version.number);
    const inserted = await this.#documents.insert(id, version);
    if (inserted) return inserted;
    const leftover = await this.#documents.get(id);
    return leftover && this.#documents.replace(id, leftover.revision, version);
  }

  /** Once the repository is gone. */
  async removeAll(repository: Owner): Promise<void> {
    for (;;) {
      const found = (await this.#documents.list(100, idOf(repository, 0))).filter(version => isOf(repository, version));
      if (found.length === 0) return;
      for (const { id } of found) await this.#documents.remove(id);
    }
  }
}

/** Padded, so that the order of ids is that of numbers. */
function idOf({ id, uid }: Owner, number: number): string {
  return `${id}/${uid}/${String(number).padStart(10, '0')}`;
}

function isOf(repository: Owner, version: StoredDocument<Version>): boolean {
  return version.id.startsWith(`${repository.id}/${repository.uid}/`);
}
