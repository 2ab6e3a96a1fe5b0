import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type IncomingHttpHeaders, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { createServer as createTlsServer, type ServerOptions } from 'node:https';
import type { AddressInfo } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';

/** How the origin answers one path. Without any wish: 200, the body, its true length. */
export interface Behaviour {
  body?: string | Buffer;
  status?: number;
  /** A Content-Length that may be a lie; null sends none (chunked). */
  length?: number | null;
  redirect?: string;
  /** Accepts the request and says nothing more: before the headers, or after this part of the body. */
  stall?: 'headers' | 'body';
  /** Breaks the connection after half of the body. */
  cut?: boolean;
  /** A few bytes at a time, for ever so slowly. */
  trickle?: boolean;
  /** Only the first so many requests are answered like this; then the body comes as it should. */
  times?: number;
}

export interface Asked {
  path: string;
  headers: IncomingHttpHeaders;
}

export type Files = Record<string, string | Buffer>;

const TRICKLE_MS = 20;

/** A real HTTP server that serves a file repository, and misbehaves on demand. */
export class TestOrigin {
  readonly #server: Server;
  readonly #scheme: string;
  readonly #paths = new Map<string, Behaviour>();
  /** Every request so far. */
  readonly asked: Asked[] = [];
  /** Requests that are being answered now. */
  open = 0;
  /** The most that ever were. */
  mostOpen = 0;

  private constructor(server: Server, scheme: string) {
    this.#server = server;
    this.#scheme = scheme;
    server.on('request', (request: IncomingMessage, response: ServerResponse) => void this.#answer(request, response));
  }

  static async start(tls?: ServerOptions): Promise<TestOrigin> {
    const server = tls ? createTlsServer(tls) : createServer();
    const origin = new TestOrigin(server, tls ? 'https' : 'http');
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    return origin;
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  get url(): string {
    return `${this.#scheme}://127.0.0.1:${this.port}/`;
  }

  /** The paths of the requests that name this file. */
  asksFor(name: string): number {
    return this.asked.filter(({ path }) => decodeURIComponent(path).endsWith(`/${name}`)).length;
  }

  /** A whole repository in a folder: every file, and the manifest of them. Returns the folder's URL. */
  tree(folder: string, files: Files): string {
    for (const [name, body] of Object.entries(files)) this.at(`${folder}/${name}`, { body });
    this.at(`${folder}/PULP_MANIFEST`, { body: manifestOf(files) });
    return `${this.url}${folder}/`;
  }

  at(path: string, behaviour: Behaviour): this {
    this.#paths.set(`/${path}`, behaviour);
    return this;
  }

  /** Keeps the body of a path, and changes how it is sent. */
  but(path: string, change: Behaviour): this {
    return this.at(path, { ...this.#paths.get(`/${path}`), ...change });
  }

  async stop(): Promise<void> {
    this.#server.closeAllConnections();
    this.#server.close();
    if (this.#server.listening) await once(this.#server, 'close');
  }

  async #answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const path = request.url ?? '/';
    this.asked.push({ path, headers: request.headers });
    this.open += 1;
    this.mostOpen = Math.max(this.mostOpen, this.open);
    response.on('error', () => undefined); // the client went away, which is what many cases are about
    response.on('close', () => (this.open -= 1));
    await send(response, this.#next(decodeURIComponent(path)));
  }

  #next(path: string): Behaviour {
    const behaviour = this.#paths.get(path);
    if (!behaviour) return { status: 404, body: 'not here' };
    if (behaviour.times === undefined) return behaviour;
    if (behaviour.times === 0) return { body: behaviour.body ?? '' };
    behaviour.times -= 1;
    return behaviour;
  }
}

async function send(response: ServerResponse, behaviour: Behaviour): Promise<void> {
  const { status = 200, redirect, stall, cut, trickle } = behaviour;
  const body = Buffer.from(behaviour.body ?? '');
  if (stall === 'headers') return;
  if (redirect !== undefined) return void response.writeHead(302, { location: redirect }).end();
  const { length = body.length } = behaviour;
  response.writeHead(status, length === null ? {} : { 'content-length': length });
  const half = body.subarray(0, Math.ceil(body.length / 2));
  if (stall === 'body') return void response.write(half);
  if (cut === true) return void response.write(half, () => response.destroy());
  if (trickle === true) return drip(response, body);
  response.end(body);
}

async function drip(response: ServerResponse, body: Buffer): Promise<void> {
  for (let at = 0; at + 4 < body.length && !response.destroyed; at += 4) {
    response.write(body.subarray(at, at + 4));
    await sleep(TRICKLE_MS);
  }
  // The last piece ends it: a client that has counted the bytes may ask for the next file at once.
  response.end(body.subarray(Math.max(0, Math.ceil(body.length / 4) * 4 - 4)));
}

export function sha256(body: string | Buffer): string {
  return createHash('sha256').update(body).digest('hex');
}

export function lineOf(name: string, body: string | Buffer): string {
  return `${name},${sha256(body)},${Buffer.byteLength(body)}\n`;
}

export function manifestOf(files: Files): string {
  return Object.entries(files)
    .map(([name, body]) => lineOf(name, body))
    .join('');
}
