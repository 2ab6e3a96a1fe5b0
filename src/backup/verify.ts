import type { ArchiveStore, Rehearser, ScratchStore } from '../store/archive.js';
import { changeOf } from './change.js';
import { explained } from './damaged.js';
import { examine, type Examining } from './examine.js';
import { loadAll } from './load.js';
import type { Manifest } from './manifest.js';

/** A database of its own to rehearse in. */
export interface Stage {
  archive: ArchiveStore;
  scratch: ScratchStore;
  audit: () => Promise<{ ok: boolean; tasks: number; findings: number }>;
  close: () => Promise<void>;
}

export interface VerifyDeps extends Examining {
  /** Undefined: checksums only. */
  stage?: () => Promise<Stage>;
  rehearser: Rehearser;
  isOver: (by: Rehearser, startedAt: Date) => boolean;
}

export interface VerifyReport {
  id: string;
  cutAt: string;
  documents: number;
  files: number;
  /** What the audit says of the restored records; null without a rehearsal. */
  rehearsal: { database: string; canceled: number; tasks: number; findings: number } | null;
}

/** Whether a restore would succeed. Throws InterlockError for a backup that cannot be trusted. Changes nothing but a database of its own. */
export async function verify(deps: VerifyDeps, directory: string): Promise<VerifyReport> {
  try {
    const manifest = await examine(directory, deps);
    deps.note('every checksum is right, and every part can be read');
    const { id, database, folders } = manifest;
    return {
      ...{ id, cutAt: database.cut.at },
      documents: database.collections.reduce((sum, each) => sum + each.documents, 0),
      files: folders.reduce((sum, each) => sum + each.entries, 0),
      rehearsal: deps.stage ? await rehearse(deps, await deps.stage(), { folder: directory, manifest }) : null,
    };
  } catch (error) {
    throw explained(error, 'The backup could not be verified');
  }
}

async function rehearse(
  deps: VerifyDeps,
  stage: Stage,
  from: { folder: string; manifest: Manifest },
): Promise<NonNullable<VerifyReport['rehearsal']>> {
  const { archive, scratch } = stage;
  const { note, rehearser, isOver } = deps;
  try {
    for (const name of await scratch.dropLeftovers(isOver)) note(`dropped ${name}, which a verify that was killed left`);
    await scratch.claim(rehearser);
    note(`rehearsing in the database ${archive.database} …`);
    const change = changeOf(from.manifest, await archive.standing(), false);
    await archive.mark({ backup: from.manifest.id, phase: 'loading', startedAt: change.at, by: 'interlock verify' });
    const { canceled } = await loadAll(archive, from, change, deps);
    await archive.switchOver(change);
    await archive.unmark();
    const { tasks, findings } = await stage.audit();
    return { database: archive.database, canceled, tasks, findings };
  } finally {
    try {
      await scratch.drop();
    } finally {
      await stage.close();
    }
  }
}
