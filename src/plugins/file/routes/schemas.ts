import { Type, type Static, type TNumber, type TString } from 'typebox';

import { NAME_PATTERN } from '../repository.js';
import { DEFAULTS, HIDDEN } from '../settings.js';

/** One schema with two types, rather than two schemas: a refusal then names what is wrong, not that neither fits. */
const orNull = <T extends { type: string }>(schema: T) =>
  Type.Unsafe<Static<T> | null>({ ...schema, type: [schema.type, 'null'] });
const closed = { additionalProperties: false } as const;
const text = (maxLength: number, description: string): TString => Type.String({ minLength: 1, maxLength, description });
/** Enough for a bundle of all public certificate authorities, below the API's limit of a body. */
const pem = (description: string): TString => text(512 * 1024, description);
const seconds = (description: string): TNumber => Type.Number({ minimum: 0.1, maximum: 3_600, description });
const secret = `Write-only: answered as "${HIDDEN}", which in a change means "as it is".`;

const settings = {
  url: orNull(text(2_048, 'Folder to mirror, http or https, or the PULP_MANIFEST in it. No credentials, query or fragment.')),
  proxy_url: orNull(text(300, 'Proxy as scheme://host, http or https.')),
  proxy_port: orNull(Type.Integer({ minimum: 1, maximum: 65_535, description: 'Port of the proxy.' })),
  proxy_username: orNull(text(255, 'User name for basic authentication at the proxy.')),
  proxy_password: orNull(text(255, `Password for basic authentication at the proxy. ${secret}`)),
  connect_timeout: orNull(seconds(`Seconds to establish a connection; default ${DEFAULTS.connect_timeout}.`)),
  read_timeout: orNull(seconds(`Seconds to wait for the next byte of an answer; default ${DEFAULTS.read_timeout}.`)),
  ssl_ca_cert: orNull(pem('Certificate authority of the origin, in place of the public ones, as PEM text.')),
  ssl_client_cert: orNull(pem('Client certificate, as PEM text.')),
  ssl_client_key: orNull(pem(`Private key of the client certificate, as PEM text without a passphrase. ${secret}`)),
};

export const RepositoryName = Type.String({ pattern: NAME_PATTERN, description: 'Name of the repository.' });
export const NameParams = Type.Object({ name: RepositoryName });
export const VersionParams = Type.Object({
  name: RepositoryName,
  number: Type.String({ pattern: '^[1-9][0-9]{0,8}$', description: 'Number of the version.' }),
});

export const Change = Type.Partial(Type.Object(settings), closed);
export type Change = Static<typeof Change>;
export const NewRepository = Type.Object({ name: RepositoryName, ...Change.properties }, closed);
/** As in the path of a version: nine digits. */
const MAX_VERSION = 999_999_999;
export const PublishBody = Type.Object(
  { version: Type.Optional(Type.Integer({ minimum: 1, maximum: MAX_VERSION, description: 'Default: the newest.' })) },
  closed,
);
export const EmptyBody = Type.Object({}, closed);

/** The tag that a repository must still have: 412 otherwise. */
export const IfMatch = Type.Object({
  'if-match': Type.Optional(Type.String({ description: 'The ETag that it must still have: 412 otherwise.' })),
});

/** Length of a page unless asked otherwise. */
export const PAGE = 100;
export const PageQuery = Type.Object(
  {
    limit: Type.Optional(Type.Integer({ minimum: 1, maximum: 500, default: PAGE })),
    cursor: Type.Optional(Type.String({ minLength: 1, maxLength: 200, description: 'As in `next`.' })),
  },
  closed,
);

export const RepositoryReply = Type.Object({
  name: Type.String(),
  href: Type.String({ description: 'Address of the repository, and the resource that its tasks reserve.' }),
  ...settings,
  latestVersion: orNull(Type.Integer()),
  publishedVersion: orNull(Type.Integer()),
  publishedAt: orNull(Type.String()),
  contentUrl: Type.String({ description: 'Where the published version is served.' }),
  createdAt: Type.String(),
  updatedAt: Type.String({ description: 'When the settings were changed last.' }),
});
export type RepositoryView = Static<typeof RepositoryReply>;

export const VersionReply = Type.Object({
  number: Type.Integer(),
  href: Type.String(),
  repository: Type.String(),
  published: Type.Boolean(),
  files: Type.Integer(),
  bytes: Type.Integer({ description: 'Sum of the sizes of all files.' }),
  manifest: Type.String({ description: 'Sha256 of the manifest of this version.' }),
  task: Type.String({ description: 'The sync that created it.' }),
  createdAt: Type.String(),
});
export type VersionView = Static<typeof VersionReply>;

const page = {
  next: orNull(Type.String({ description: 'Path of the next page.' })),
  prev: Type.Null({ description: 'Read forwards only.' }),
};
export const RepositoryPage = Type.Object({ items: Type.Array(RepositoryReply), ...page });
export const VersionPage = Type.Object({ items: Type.Array(VersionReply), ...page });

export const ListingReply = Type.Object({
  name: Type.String(),
  version: Type.Integer(),
  publishedAt: Type.String(),
  manifest: Type.String({ description: 'Name of the list of all files, beside them.' }),
  total: Type.Integer(),
  bytes: Type.Integer(),
  files: Type.Array(Type.Object({ name: Type.String(), sha256: Type.String(), size: Type.Integer() })),
  truncated: Type.Boolean({ description: 'True: `files` is not all of them; the manifest is.' }),
});
export type Listing = Static<typeof ListingReply>;

/** The API's own schema of a task, which it registers under this name. */
export const TaskReply = Type.Unsafe<Record<string, unknown>>({ $ref: 'Task#' });
