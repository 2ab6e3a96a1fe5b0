import type { Clock } from '../../process/runtime.js';
import type { FolderKind, FolderPart } from '../manifest.js';
import { writePart, type Part } from '../part.js';
import { Meter, sizeText, type Note } from '../progress.js';
import { tarOf } from '../tar/write.js';
import { named, shown } from './names.js';
import { walk } from './walk.js';

/** Files to take, in plain words. */
export interface Source {
  kind: FolderKind;
  /** Absolute. */
  root: string;
  /** Below it; '' is all of it. */
  tops: readonly string[];
  /** What is not to be taken, by its path below the root. */
  leaveOut?: RegExp;
}

/** A manifest is read as a whole. */
const MOST_LEFT_OUT = 100;

export async function packFolder(
  source: Source,
  folder: string,
  { clock, note, signal }: { clock: Clock; note: Note; signal: AbortSignal },
): Promise<{ part: Part; described: FolderPart }> {
  const { kind, root, tops, leaveOut } = source;
  const meter = new Meter(kind, note, clock);
  const leftOut: FolderPart['leftOut'] = [];
  let leftOutCount = 0;
  const leave = (path: string, why: string): void => {
    leftOutCount += 1;
    if (leftOut.length < MOST_LEFT_OUT) leftOut.push({ path: shown(path), why });
    note(`${kind}: ${shown(path) || root}: ${why}`);
  };
  const tree = { root: named(root), paths: tops.map(named), leaveOut: (path: string) => leaveOut?.test(path) ?? false };
  const packed = tarOf(walk(tree, leave), { leftOut: leave, onEntry: bytes => meter.add(1, bytes) });
  const path = `files/${kind}.tar.gz`;
  const part = await writePart(folder, path, packed, signal);
  note(
    `${kind}: ${meter.count.toLocaleString('en')} files and folders, ${sizeText(meter.bytes)}, packed ${sizeText(part.bytes)}`,
  );
  const described = { kind, path, root, tops: [...tops], entries: meter.count, bytes: meter.bytes, leftOut, leftOutCount };
  return { part, described };
}
