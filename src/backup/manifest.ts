import { Type, type Static } from 'typebox';
import Value from 'typebox/value';

import { damaged, refused } from './damaged.js';

export const FORMAT = 'interlock-backup';
/** Raised when an older Interlock would misread what this one writes. */
export const VERSION = 1;
export const MANIFEST = 'manifest.json';

const closed = { additionalProperties: false };
const Count = Type.Integer({ minimum: 0, maximum: Number.MAX_SAFE_INTEGER });
const Moment = Type.String({ pattern: '^\\d{4}-\\d\\d-\\d\\dT\\d\\d:\\d\\d:\\d\\d\\.\\d{3}Z$' });
/** Of a file in the backup: two plain names. */
const Path = Type.String({ pattern: '^[a-z]+/[A-Za-z0-9_.%-]{1,200}$' });

const PartSchema = Type.Object({ path: Path, bytes: Count, sha256: Type.String({ pattern: '^[0-9a-f]{64}$' }) }, closed);
const CollectionSchema = Type.Object({ name: Type.String({ minLength: 1 }), path: Path, documents: Count, bytes: Count }, closed);
const FolderSchema = Type.Object(
  {
    kind: Type.Union([Type.Literal('settings'), Type.Literal('content'), Type.Literal('work'), Type.Literal('include')]),
    path: Path,
    /** What its entries lie below, as it was called where the backup was made. */
    root: Type.String({ pattern: '^/' }),
    /** The files and folders below it that were asked for; '' is the root itself. */
    tops: Type.Array(Type.String()),
    entries: Count,
    bytes: Count,
    /** What was not taken, and why: the first of them. */
    leftOut: Type.Array(Type.Object({ path: Type.String(), why: Type.String() }, closed)),
    leftOutCount: Count,
  },
  closed,
);

const ManifestSchema = Type.Object(
  {
    format: Type.Literal(FORMAT),
    version: Type.Literal(VERSION),
    id: Type.String({ format: 'uuid' }),
    createdAt: Moment,
    durationMs: Count,
    versions: Type.Object({ interlock: Type.String(), node: Type.String(), mongo: Type.String() }, closed),
    database: Type.Object(
      {
        name: Type.String(),
        schema: Type.Integer({ minimum: 1 }),
        cut: Type.Object({ at: Moment, moment: Type.String() }, closed),
        given: Type.Object({ seq: Count, fence: Count, epoch: Count, generation: Count }, closed),
        collections: Type.Array(CollectionSchema),
        leftOut: Type.Array(Type.String()),
      },
      closed,
    ),
    broker: Type.Object({ reached: Type.Boolean(), path: Path, queues: Count }, closed),
    folders: Type.Array(FolderSchema),
    parts: Type.Array(PartSchema),
  },
  closed,
);

export type Manifest = Static<typeof ManifestSchema>;
export type CollectionPart = Static<typeof CollectionSchema>;
export type FolderPart = Static<typeof FolderSchema>;
export type FolderKind = FolderPart['kind'];

/** Throws InterlockError for what is no manifest, one of another kind or version, and one that contradicts itself. `schema`: what this version knows. */
export function readManifest(text: string, schema: number): Manifest {
  const value = parsed(text);
  const { format, version, versions, database } = value;
  if (format !== FORMAT)
    throw refused(`This is no backup of Interlock's: ${MANIFEST} does not say "${FORMAT}". Nothing was changed.`);
  const writer = textIn(versions, 'interlock');
  if (typeof version === 'number' && version > VERSION) throw newer(writer, `format ${version}, this one reads up to ${VERSION}`);
  const found = (database as { schema?: unknown } | undefined)?.schema;
  if (typeof found === 'number' && found > schema) throw newer(writer, `schema ${found}, this one knows up to ${schema}`);
  if (!Value.Check(ManifestSchema, value)) throw damaged(`${MANIFEST} ${firstFault(value)}`);
  refuseContradictions(value);
  refuseRoots(value);
  for (const moment of [value.createdAt, value.database.cut.at])
    if (Number.isNaN(Date.parse(moment))) throw damaged(`${MANIFEST} gives a time that there is not: ${moment}`);
  return value;
}

function parsed(text: string): Record<string, unknown> {
  try {
    const value = JSON.parse(text) as unknown;
    if (typeof value === 'object' && value !== null) return value as Record<string, unknown>;
  } catch {
    // Told below.
  }
  throw damaged(`${MANIFEST} is no JSON object`);
}

function newer(writer: string, what: string): Error {
  return refused(
    `This backup was made by a newer Interlock (${writer}: ${what}). Use that version, or a later one. Nothing was changed.`,
  );
}

function textIn(value: unknown, key: string): string {
  const text = (value as Record<string, unknown> | undefined)?.[key];
  return typeof text === 'string' ? text.slice(0, 40) : 'version unknown';
}

function firstFault(value: unknown): string {
  const [fault] = Value.Errors(ManifestSchema, value);
  return fault ? `${fault.instancePath || 'as a whole'}: ${fault.message}` : 'is not one';
}

/** Settings lie where they lay; content goes where it is wanted, so that a link in it to anywhere but itself would be another one. */
const AT_THE_TOP: Readonly<Record<FolderKind, boolean>> = { settings: true, include: true, content: false, work: false };

function refuseRoots({ folders }: Manifest): void {
  const wrong = folders.find(({ kind, root }) => (root === '/') !== AT_THE_TOP[kind]);
  if (wrong) throw damaged(`${MANIFEST} says that ${wrong.kind} lies below ${JSON.stringify(wrong.root.slice(0, 200))}`);
}

/** Every file that is spoken of is listed with its checksum, once; no collection and no kind of folder comes twice. */
function refuseContradictions({ parts, database, folders, broker }: Manifest): void {
  const listed = parts.map(part => part.path);
  const named = [...database.collections.map(each => each.path), ...folders.map(each => each.path), broker.path];
  const missing = named.find(path => !listed.includes(path));
  if (missing !== undefined) throw damaged(`${MANIFEST} speaks of ${missing} and gives no checksum for it`);
  for (const names of [listed, named, database.collections.map(each => each.name), folders.map(each => each.kind)]) {
    const again = names.find((name, index) => names.indexOf(name) !== index);
    if (again !== undefined) throw damaged(`${MANIFEST} names ${again} twice`);
  }
}
