import { InterlockError } from '../core/errors.js';
import { ApiError, errorOfProblem, Unreachable } from './errors.js';
import { fetchWith, type ClientTls } from './tls.js';

export interface ClientOptions {
  /** Where the API is, without `/api/v1`. */
  url?: string;
  token?: string;
  /** For an API that speaks https with certificates of its own. */
  tls?: ClientTls;
  /** Instead of the global one. */
  fetch?: typeof fetch;
}

export interface Request {
  method?: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';
  query?: Readonly<Record<string, QueryValue>>;
  body?: unknown;
  headers?: Readonly<Record<string, string>>;
  /** Deadline of the whole exchange in milliseconds; Infinity where `signal` ends it. */
  timeoutMs?: number;
  signal?: AbortSignal | undefined;
}

export type QueryValue = string | number | boolean | Date | readonly string[] | undefined;

export const DEFAULT_URL = 'http://127.0.0.1:8787';
const BASE = '/api/v1';
const TIMEOUT_MS = 30_000;
/** A submission whose answer was lost is repeated under its key; three tries bridge the restart of an API behind a proxy. */
const TRIES = 3;
const RETRY_MS = 500;
/** Whoever is refused because there is too much comes back when the API says so, for this long. */
const REFUSED_MS = 30_000;
/** Nobody sits through a longer time than this that an API asks for, as one does in maintenance. */
const LONGEST_PAUSE_MS = 10_000;

/** HTTP to one API: JSON both ways, a deadline on every exchange, problem documents as errors. */
export class Transport {
  readonly url: string;
  readonly #fetch: typeof fetch;
  readonly #headers: Record<string, string>;
  readonly #certified: boolean;

  /** Throws TypeError for an address that is none. */
  constructor(options: ClientOptions = {}) {
    this.url = checkedUrl(options.url ?? DEFAULT_URL);
    this.#fetch = options.fetch ?? (options.tls ? fetchWith(options.tls) : globalThis.fetch);
    this.#certified = options.tls?.cert !== undefined;
    this.#headers = {
      accept: 'application/json',
      ...(options.token !== undefined && { authorization: `Bearer ${options.token}` }),
    };
  }

  /**
   * Resolves with the body of the answer (undefined when there is none). What the API does not take because there is too much, which it says before it
   * has done anything, is asked again for half a minute, each time when the API says.
   * Throws InterlockError for what the API refuses, Unreachable when it does not answer in time or is not Interlock.
   */
  async json<T>(path: string, request: Request = {}): Promise<T> {
    const giveUpAt = performance.now() + Math.min(REFUSED_MS, request.timeoutMs ?? TIMEOUT_MS);
    for (;;) {
      try {
        return await this.#json<T>(path, request);
      } catch (error) {
        const ms = Math.max(RETRY_MS, retryAfterMs(error)) * (1 + Math.random() / 2); // those who were told the same come one after another
        if (!isTooMuch(error) || performance.now() + ms > giveUpAt || request.signal?.aborted) throw error;
        await pause(ms, request.signal);
      }
    }
  }

  async #json<T>(path: string, request: Request): Promise<T> {
    const response = await this.#exchange(path, request);
    if (response.status === 204) return undefined as T;
    const body = await this.#bodyOf(response);
    if (response.ok && body !== undefined) return body as T;
    throw this.#refusalOf(response, body);
  }

  /** The body of an answer that is still coming, piece by piece, until it or `signal` ends. Throws as `json` does. */
  async *stream(path: string, request: Request): AsyncGenerator<Uint8Array, void, undefined> {
    const response = await this.#exchange(path, { ...request, timeoutMs: Infinity });
    if (!response.ok || !response.body) throw this.#refusalOf(response, await this.#bodyOf(response));
    try {
      for await (const bytes of response.body) yield bytes as Uint8Array;
    } catch (error) {
      throw error instanceof Unreachable ? error : new Unreachable(this.url, `the answer broke off (${reasonOf(error)})`, error);
    }
  }

  async #bodyOf(response: Response): Promise<unknown> {
    return (response.headers.get('content-type') ?? '').includes('json') ? this.#read(response) : undefined;
  }

  #refusalOf(response: Response, body: unknown): Error {
    if (typeof body === 'object' && body !== null) return errorOfProblem(body, response);
    const location = response.headers.get('location');
    const where =
      location === null
        ? `it answered ${response.status} with ${response.headers.get('content-type') ?? 'no content'}`
        : `it redirects to ${location}`;
    return new Unreachable(this.url, `${where}; is that the address of Interlock's API?`);
  }

  /** A request that may be repeated without harm: tried again when its outcome is unknown or the API asks for it. */
  async repeatable<T>(path: string, request: Request): Promise<T> {
    for (let tries = 1; ; tries++) {
      try {
        return await this.json<T>(path, request);
      } catch (error) {
        const asked = retryAfterMs(error);
        const inVain = isTooMuch(error) || !isTransient(error) || asked > LONGEST_PAUSE_MS;
        if (tries >= TRIES || request.signal?.aborted || inVain) throw error;
        await pause(asked + RETRY_MS * 2 ** (tries - 1) * (0.5 + Math.random()), request.signal);
      }
    }
  }

  async #exchange(path: string, request: Request): Promise<Response> {
    const { method = 'GET', query, body, headers, timeoutMs = TIMEOUT_MS, signal } = request;
    const deadline = timeoutMs === Infinity ? new AbortController().signal : AbortSignal.timeout(timeoutMs);
    try {
      return await this.#fetch(this.#address(path, query), {
        method,
        redirect: 'manual', // a followed redirect would turn a POST into a GET
        headers: { ...this.#headers, ...(body !== undefined && { 'content-type': 'application/json' }), ...headers },
        signal: signal ? AbortSignal.any([deadline, signal]) : deadline,
        ...(body !== undefined && { body: JSON.stringify(body) }),
      });
    } catch (error) {
      if (signal?.aborted) throw signal.reason;
      const why = deadline.aborted ? `no answer within ${timeoutMs / 1_000} s` : reasonOf(error) + this.#hintOn(error);
      throw new Unreachable(this.url, why, error);
    }
  }

  async #read(response: Response): Promise<unknown> {
    try {
      return await response.json();
    } catch (error) {
      throw new Unreachable(this.url, `the answer broke off (${reasonOf(error)})`, error);
    }
  }

  /** With TLS 1.3 a server learns of a missing certificate after the client has begun, and often only closes. */
  #hintOn(error: unknown): string {
    if (this.#certified || !this.url.startsWith('https:') || !CLOSED.test(causeOf(error)?.code ?? '')) return '';
    return '; if it asks its clients for a certificate, INTERLOCK_CLIENT_CERTIFICATE_FILE names yours';
  }

  /** `path` counts from `/api/v1`, except for what the API itself gave as a path. */
  #address(path: string, query: Request['query']): string {
    const url = new URL(path.startsWith(`${BASE}/`) ? `${this.url}${path}` : `${this.url}${BASE}${path}`);
    for (const [name, value] of Object.entries(query ?? {})) {
      if (value === undefined) continue;
      for (const item of Array.isArray(value) ? (value as string[]) : [value]) url.searchParams.append(name, textOf(item));
    }
    return url.href;
  }
}

/** Whether trying again later may help. */
export function isTransient(error: unknown): boolean {
  return error instanceof Unreachable || (error instanceof InterlockError && [408, 429, 503].includes(error.status));
}

/** Refused before anything was done, because there is too much. */
function isTooMuch(error: unknown): boolean {
  return error instanceof InterlockError && (error.code === 'RATE_LIMITED' || error.code === 'OVERLOADED');
}

/** After how long the API asks to be tried again; 0 where it does not say. */
export function retryAfterMs(error: unknown): number {
  return error instanceof ApiError ? (error.retryAfter ?? 0) * 1_000 : 0;
}

/** Resolves after `ms`, or at once when `signal` aborts. */
export function pause(ms: number, signal?: AbortSignal): Promise<void> {
  return new Promise(resolve => {
    if (signal?.aborted) {
      resolve();
      return;
    }
    const done = (): void => {
      clearTimeout(timer);
      signal?.removeEventListener('abort', done);
      resolve();
    };
    const timer = setTimeout(done, ms);
    signal?.addEventListener('abort', done);
  });
}

function checkedUrl(url: string): string {
  const parsed = URL.canParse(url) ? new URL(url) : undefined;
  if (parsed?.protocol !== 'http:' && parsed?.protocol !== 'https:') {
    throw new TypeError(`"${url}" is no address of an API: expected http://host:port`);
  }
  return url.replace(/\/+$/, '').replace(/\/api\/v1$/, '');
}

const UNKNOWN_AUTHORITY = new Set<unknown>([
  'DEPTH_ZERO_SELF_SIGNED_CERT',
  'SELF_SIGNED_CERT_IN_CHAIN',
  'UNABLE_TO_GET_ISSUER_CERT_LOCALLY',
  'UNABLE_TO_VERIFY_LEAF_SIGNATURE',
]);

const CLOSED = /^(UND_ERR_SOCKET|ECONNRESET|EPIPE|ERR_SSL_\w*ALERT\w*)$/;

function causeOf(error: unknown): { code?: string; message?: string } | undefined {
  return error instanceof Error ? (error.cause as { code?: string; message?: string } | undefined) : undefined;
}

/** `fetch failed` says nothing; what it wraps does. */
function reasonOf(error: unknown): string {
  const cause = causeOf(error);
  if (cause?.code === 'ECONNREFUSED') return 'nothing listens there (connection refused)';
  if (cause?.code === 'ENOTFOUND') return 'there is no such host';
  if (UNKNOWN_AUTHORITY.has(cause?.code))
    return `the authority of its certificate is not known here (${cause?.code ?? ''}): INTERLOCK_CA_FILE names a file with the authority`;
  return cause?.message ?? cause?.code ?? (error instanceof Error ? error.message : String(error));
}

function textOf(value: QueryValue): string {
  return value instanceof Date ? value.toISOString() : String(value);
}
