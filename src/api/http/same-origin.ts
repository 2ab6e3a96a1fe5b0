import { isIP } from 'node:net';

import type { FastifyRequest } from 'fastify';

import { InterlockError } from '../../core/errors.js';
import { isLoopback, withoutBrackets } from '../../core/loopback.js';
import type { ApiServer, ApiSettings } from '../context.js';

const READS = new Set(['GET', 'HEAD', 'OPTIONS']);

/**
 * A browser lets any page of the web send requests to addresses of this machine. What says that it comes from a page of another origin is refused; and, on a
 * loopback address, what calls the API by a name that is not its own: the name server of a page may give that page's own name this address (DNS rebinding),
 * and the browser then takes both for one origin. An IP address cannot be rebound. There are no CORS headers: nothing is ever shared with another origin.
 */
export function refuseForeignPages(app: ApiServer, settings: ApiSettings): void {
  const names = namesOf(settings);
  app.addHook('onRequest', (request, _reply, done) => done(refusalOf(request, names)));
}

/** The same for reads that keep something occupied here: browsers send some without an Origin. Throws FORBIDDEN. */
export function refuseForeignPage({ headers }: FastifyRequest): void {
  if (headers['sec-fetch-site'] === 'cross-site')
    throw foreign('sec-fetch-site', 'pages of another origin may not follow events');
}

interface Names {
  /** Whether the API may be called so. */
  isKnown(name: string): boolean;
  /** Of proxies in front, which may call the API by another name than browsers call them. */
  proxies: ReadonlySet<string>;
}

function refusalOf({ headers, method }: FastifyRequest, names: Names): InterlockError | undefined {
  const { host, origin } = headers;
  const name = host === undefined ? undefined : hostName(host);
  if (name !== undefined && !names.isKnown(name))
    return foreign('host', `the API is not known here as ${name.slice(0, 100)}: if it should be, api.allowedHosts has to say so`);
  if (origin !== undefined && !isOwn(origin, host, names))
    return foreign('origin', 'pages of another origin are answered nothing');
  // Following a link from another site to something that is only read is no attack.
  if (headers['sec-fetch-site'] === 'cross-site' && !READS.has(method))
    return foreign('sec-fetch-site', 'pages of another origin may change nothing');
  return undefined;
}

function foreign(header: string, detail: string): InterlockError {
  const message = `${detail.charAt(0).toUpperCase()}${detail.slice(1)}.`;
  return new InterlockError('FORBIDDEN', message, { errors: [{ pointer: header, detail, reason: 'origin' }] });
}

/** Where strangers reach the API every request needs a token, which no page of theirs has: all names are good until some are named. */
function namesOf({ host, allowedHosts }: ApiSettings): Names {
  const proxies = new Set(allowedHosts.map(name => name.toLowerCase()));
  const open = !isLoopback(host) && proxies.size === 0;
  return {
    proxies,
    isKnown: name => open || isIP(name) !== 0 || name === 'localhost' || name === host.toLowerCase() || proxies.has(name),
  };
}

function isOwn(origin: string, host: string | undefined, { proxies }: Names): boolean {
  if (!URL.canParse(origin)) return false;
  const url = new URL(origin);
  return (url.host !== '' && url.host === host?.toLowerCase()) || proxies.has(url.hostname);
}

function hostName(host: string): string {
  const name = host.toLowerCase().replace(/:\d{1,5}$/, '');
  return withoutBrackets(name).replace(/\.$/, '');
}
