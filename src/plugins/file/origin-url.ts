import { isPrivateHost } from './address.js';
import { MANIFEST } from './manifest.js';

/** What a deployment allows as the source of downloads. */
export interface OriginPolicy {
  /** False: loopback, link-local and private addresses are refused, where a URL is set and where it is used. */
  allowPrivateOrigins: boolean;
}

/** Why this URL may not be fetched from; undefined when it may. */
export function refusalOf(text: string, policy: OriginPolicy): string | undefined {
  if (!URL.canParse(text)) return 'expected an absolute URL, as https://example.org/files/';
  const url = new URL(text);
  if (url.protocol !== 'http:' && url.protocol !== 'https:') return `expected http or https, not ${url.protocol.slice(0, -1)}`;
  if (url.username !== '' || url.password !== '') return 'a user name or password in a URL ends up in logs; it is refused';
  if (!policy.allowPrivateOrigins && isPrivateHost(url.hostname)) {
    return `${url.hostname} is a loopback, link-local or private address, and file.allowPrivateOrigins is false`;
  }
  return undefined;
}

/** The folder that a repository mirrors: `url` names it, or the PULP_MANIFEST in it. Ends with a slash. */
export function folderOf(url: string): URL {
  const folder = new URL(url);
  if (folder.pathname.endsWith(`/${MANIFEST}`)) folder.pathname = folder.pathname.slice(0, -MANIFEST.length);
  if (!folder.pathname.endsWith('/')) folder.pathname += '/';
  return folder;
}

/** Where a file of a manifest stands. Encoded per segment, so that no name can change host, leave the folder or add a query. */
export function fileUrl(folder: URL, name: string): URL {
  return new URL(name.split('/').map(encodeURIComponent).join('/'), folder);
}

/** A URL for messages: its query may hold a signature. */
export function shown(url: URL): string {
  return `${url.origin}${url.pathname}`;
}
