import type { LookupFunction } from 'node:net';
import { Agent, Pool, ProxyAgent, request, type Dispatcher } from 'undici';

import { publicLookup } from './address.js';
import { SyncFailure } from './failure.js';
import { originFailure } from './origin-errors.js';
import { refusalOf, shown, type OriginPolicy } from './origin-url.js';
import type { Settings } from './settings.js';

const MAX_REDIRECTS = 5;
const REDIRECTS: ReadonlySet<number> = new Set([301, 302, 303, 307, 308]);
/** Answers of a proxy or server that is overloaded or restarting: asking again is worth it. A 500 comes back as it is. */
const PASSING: ReadonlySet<number> = new Set([502, 503, 504]);

/** A file on its way: its body, read once, and its length where the origin told one. */
export interface Download {
  length: number | undefined;
  chunks: AsyncIterable<Uint8Array>;
  /** Instead of reading it. */
  drop: () => void;
}

/** The connections of one sync to its origin, with the proxy, certificates and timeouts of its repository. */
export class Origin {
  readonly #settings: Settings;
  readonly #policy: OriginPolicy;
  readonly #dispatcher: Dispatcher;

  constructor(settings: Settings, policy: OriginPolicy) {
    this.#settings = settings;
    this.#policy = policy;
    this.#dispatcher = dispatcherOf(settings, policy);
  }

  /**
   * Asks for one file, following redirects that stay http or https and never leave https. Throws SyncFailure; so does reading the
   * chunks. Throws the signal's reason once it is aborted.
   */
  async get(url: URL, signal: AbortSignal): Promise<Download> {
    let at = url;
    for (let redirects = 0; redirects <= MAX_REDIRECTS; redirects += 1) {
      const answer = await this.#request(at, signal);
      if (!REDIRECTS.has(answer.statusCode)) return this.#download(answer, at, signal);
      await answer.body.dump();
      at = this.#redirected(at, answer.headers.location);
    }
    throw new SyncFailure('REDIRECT_REFUSED', `${shown(url)} leads through more than ${MAX_REDIRECTS} redirects.`);
  }

  /** Cuts what is still open. */
  async close(): Promise<void> {
    await this.#dispatcher.destroy();
  }

  async #request(url: URL, signal: AbortSignal): Promise<Dispatcher.ResponseData> {
    const refusal = refusalOf(url.href, this.#policy);
    if (refusal !== undefined) throw new SyncFailure('ORIGIN_REFUSED', `${shown(url)}: ${refusal}.`);
    const readMs = this.#settings.read_timeout * 1_000;
    try {
      return await request(url, {
        dispatcher: this.#dispatcher,
        signal,
        headersTimeout: readMs,
        bodyTimeout: readMs,
        headers: { 'accept-encoding': 'identity', 'user-agent': 'interlock' },
      });
    } catch (error) {
      signal.throwIfAborted();
      throw originFailure(error, url, this.#settings);
    }
  }

  #download({ statusCode, headers, body }: Dispatcher.ResponseData, url: URL, signal: AbortSignal): Download {
    if (statusCode !== 200) {
      drop(body);
      if (statusCode === 407 && this.#settings.proxy_url !== null)
        throw new SyncFailure('PROXY_ERROR', `The proxy wants other credentials (407) for ${shown(url)}.`);
      const text = `${shown(url)} answered with status ${statusCode}, not 200.`;
      throw new SyncFailure('ORIGIN_ERROR', text, { retryable: PASSING.has(statusCode) });
    }
    const length = Number(headers['content-length'] ?? NaN);
    return {
      length: Number.isNaN(length) ? undefined : length,
      chunks: this.#chunks(body, url, signal),
      drop: () => drop(body),
    };
  }

  async *#chunks(body: AsyncIterable<Uint8Array>, url: URL, signal: AbortSignal): AsyncGenerator<Uint8Array> {
    try {
      yield* body;
    } catch (error) {
      signal.throwIfAborted();
      throw originFailure(error, url, this.#settings);
    }
  }

  #redirected(from: URL, location: string | string[] | undefined): URL {
    const refuse = (why: string): SyncFailure =>
      new SyncFailure('REDIRECT_REFUSED', `The redirect of ${shown(from)} is not followed: ${why}.`);
    if (typeof location !== 'string' || !URL.canParse(location, from.href)) throw refuse('it does not say where to');
    const to = new URL(location, from);
    const refusal = refusalOf(to.href, this.#policy);
    if (refusal !== undefined) throw refuse(refusal);
    if (from.protocol === 'https:' && to.protocol === 'http:') throw refuse('it leads from https to http');
    return to;
  }
}

/** Ends an answer that is of no use, and its connection with it: reading on would mean to wait for whatever the origin still sends. */
function drop(body: Dispatcher.ResponseData['body']): void {
  body.on('error', () => undefined).destroy(); // the error says that it was destroyed
}

/**
 * Names are resolved by our own lookup where private addresses are refused; behind a proxy that goes for the proxy's name,
 * because the origin's is resolved by the proxy.
 */
function dispatcherOf(settings: Settings, policy: OriginPolicy): Dispatcher {
  const timeout = settings.connect_timeout * 1_000;
  const lookup: { lookup?: LookupFunction } = policy.allowPrivateOrigins ? {} : { lookup: publicLookup };
  const tls = {
    ...(settings.ssl_ca_cert !== null && { ca: settings.ssl_ca_cert }),
    ...(settings.ssl_client_cert !== null && { cert: settings.ssl_client_cert }),
    ...(settings.ssl_client_key !== null && { key: settings.ssl_client_key }),
  };
  if (settings.proxy_url === null) return new Agent({ connect: { timeout, ...lookup, ...tls } });
  const token = proxyToken(settings);
  return new ProxyAgent({
    uri: proxyAddress(settings.proxy_url, settings.proxy_port),
    ...(token !== undefined && { token }),
    proxyTls: { timeout, ...lookup },
    requestTls: { timeout, ...tls },
    // Plain http is asked for through the proxy, as everywhere; many proxies allow a tunnel to port 443 only.
    proxyTunnel: false,
    // A proxy that accepts a CONNECT and then says nothing would hold the task for undici's default of five minutes.
    clientFactory: (proxy, options) => new Pool(proxy, { ...options, headersTimeout: settings.read_timeout * 1_000 }),
  });
}

function proxyAddress(url: string, port: number | null): string {
  const proxy = new URL(url);
  if (port !== null) proxy.port = String(port);
  return proxy.href;
}

function proxyToken({ proxy_username, proxy_password }: Settings): string | undefined {
  if (proxy_username === null) return undefined;
  return `Basic ${Buffer.from(`${proxy_username}:${proxy_password ?? ''}`).toString('base64')}`;
}
