import { mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';

/** Writes a file that everybody may read, at once and whole, where it is not there yet or says something else. Whether it did. Throws what the system says. */
export function writeChanged(path: string, text: string): boolean {
  if (textOf(path) === text) return false;
  mkdirSync(dirname(path), { recursive: true, mode: 0o755 });
  writeFileSync(`${path}.new`, text, { mode: 0o644 });
  renameSync(`${path}.new`, path);
  return true;
}

function textOf(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return undefined; // not there; or not readable, which writing will tell
  }
}
