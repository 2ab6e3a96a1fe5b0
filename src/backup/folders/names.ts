import { damaged } from '../damaged.js';
import type { Entry } from '../tar/header.js';

/** Names of files are bytes, whatever encoding somebody meant: here texts of one character a byte. */
export function named(text: string): string {
  return Buffer.from(text, 'utf8').toString('latin1');
}

/** As the file system takes it. */
export function onDisk(name: string): Buffer {
  return Buffer.from(name, 'latin1');
}

/** For people. */
export function shown(name: string): string {
  return Buffer.from(name, 'latin1')
    .toString('utf8')
    .replace(/\p{Cc}/gu, '?');
}

export function joinNames(...parts: string[]): string {
  return parts
    .filter(part => part !== '')
    .join('/')
    .replaceAll('//', '/');
}

/** Where a link of this path leads, below the same root; undefined: out of it. */
export function targetOf(path: string, target: string, root: string): string | undefined {
  const start = target.startsWith('/') ? [] : path.split('/').slice(0, -1);
  if (target.startsWith('/') && root !== '/') return undefined;
  const steps = [...start];
  for (const step of target.split('/')) {
    if (step === '..') {
      if (steps.pop() === undefined) return undefined;
    } else if (step !== '' && step !== '.') steps.push(step);
  }
  return steps.join('/');
}

/** Whether `path` is this folder or lies in it; '' is the root. */
export function isWithin(path: string, folder: string): boolean {
  return folder === '' || path === folder || path.startsWith(`${folder}/`);
}

/**
 * Refuses every entry that could be put anywhere but below the root: whoever made such an archive was no backup. `within`: the only folders and files of
 * the root that it may touch.
 */
export class PathCheck {
  readonly #root: string;
  readonly #within: readonly string[];
  readonly #links = new Set<string>();

  constructor(root: string, within: readonly string[]) {
    this.#root = root;
    this.#within = within;
  }

  /** Throws InterlockError. */
  admit({ kind, path, target }: Pick<Entry, 'kind' | 'path' | 'target'>): void {
    const steps = path.split('/');
    if (path.includes('\0') || steps.some(step => step === '' || step === '.' || step === '..')) {
      throw damaged(`an archive holds an entry of the name ${JSON.stringify(shown(path))}, which leads out of its folder`);
    }
    if (!this.#within.some(folder => isWithin(path, folder)))
      throw damaged(`an archive holds ${shown(path)}, which is in none of its folders`);
    for (let n = 1; n < steps.length; n += 1) {
      if (this.#links.has(steps.slice(0, n).join('/')))
        throw damaged(`an archive holds ${shown(path)}, which lies behind a link`);
    }
    if (kind !== 'link') return;
    this.#links.add(path);
    const leads = targetOf(path, target, this.#root);
    if (leads === undefined || !this.#within.some(folder => isWithin(leads, folder))) {
      throw damaged(`an archive holds the link ${shown(path)}, which leads out of its folder (${shown(target)})`);
    }
  }
}
