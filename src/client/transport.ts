import { InterlockError } from '../core/errors.js';
import { errorOfProblem, Unreachable } from './errors.js';

export interface ClientOptions {
  /** Where the API is, without `/api/v1`. */
  url?: string;
  token?: string;
  /** Instead of the global one. */
  fetch?: typeof fetch;
}

export interface Request {
  method?: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';
  query?: Readonly<Record<string, QueryValue>>;
  body?: unknown;
  headers?: Readonly<Record<string, string>>;
  /** Deadline of the whole exchange in milliseconds. */
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

/** HTTP to one API: JSON both ways, a deadline on every exchange, problem documents as errors. */
export class Transport {
  readonly url: string;
  readonly #fetch: typeof fetch;
  readonly #headers: Record<string, string>;

  /** Throws TypeError for an address that is none. */
  constructor(options: ClientOptions = {}) {
    this.url = checkedUrl(options.url ?? DEFAULT_URL);
    this.#fetch = options.fetch ?? globalThis.fetch;
    this.#headers = {
      accept: 'application/json',
      ...(options.token !== undefined && { authorization: `Bearer ${options.token}` }),
    };
  }

  /**
   * Resolves with the body of the answer (undefined when there is none).
   * Throws InterlockError for what the API refuses, Unreachable when it does not answer in time or is not Interlock.
   */
  async json<T>(path: string, request: Request = {}): Promise<T> {
    const response = await this.#exchange(path, request);
    if (response.status === 204) return undefined as T;
    const type = response.headers.get('content-type') ?? '';
    const body = type.includes('json') ? await this.#read(response) : undefined;
    if (response.ok && body !== undefined) return body as T;
    if (typeof body === 'object' && body !== null) throw errorOfProblem(body, response);
    const location = response.headers.get('location');
    const where =
      location === null ? `it answered ${response.status} with ${type || 'no content'}` : `it redirects to ${location}`;
    throw new Unreachable(this.url, `${where}; is that the address of Interlock's API?`);
  }

  /** A request that may be repeated without harm: tried again when its outcome is unknown or the API asks for it. */
  async repeatable<T>(path: string, request: Request): Promise<T> {
    for (let tries = 1; ; tries++) {
      try {
        return await this.json<T>(path, request);
      } catch (error) {
        if (tries >= TRIES || request.signal?.aborted || !isTransient(error)) throw error;
        await pause(RETRY_MS * 2 ** (tries - 1) * (0.5 + Math.random()), request.signal);
      }
    }
  }

  async #exchange(path: string, request: Request): Promise<Response> {
    const { method = 'GET', query, body, headers, timeoutMs = TIMEOUT_MS, signal } = request;
    const deadline = AbortSignal.timeout(timeoutMs);
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
      throw new Unreachable(this.url, deadline.aborted ? `no answer within ${timeoutMs / 1_000} s` : reasonOf(error), error);
    }
  }

  async #read(response: Response): Promise<unknown> {
    try {
      return await response.json();
    } catch (error) {
      throw new Unreachable(this.url, `the answer broke off (${reasonOf(error)})`, error);
    }
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
  return error instanceof Unreachable || (error instanceof InterlockError && [408, 503].includes(error.status));
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

/** `fetch failed` says nothing; what it wraps does. */
function reasonOf(error: unknown): string {
  const cause = error instanceof Error ? (error.cause as { code?: string; message?: string } | undefined) : undefined;
  if (cause?.code === 'ECONNREFUSED') return 'nothing listens there (connection refused)';
  if (cause?.code === 'ENOTFOUND') return 'there is no such host';
  return cause?.message ?? cause?.code ?? (error instanceof Error ? error.message : String(error));
}

function textOf(value: QueryValue): string {
  return value instanceof Date ? value.toISOString() : String(value);
}
