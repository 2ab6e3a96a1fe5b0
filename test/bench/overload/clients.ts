import { setTimeout as sleep } from 'node:timers/promises';

import { Pool } from 'undici';

export interface Answered {
  /** Milliseconds from the request to its answer. */
  ms: number;
  status: number;
}

/** What clients were told, by kind. */
export class Heard {
  readonly accepted: string[] = [];
  readonly acceptedMs: number[] = [];
  readonly refusedMs: number[] = [];
  readonly refused: Record<'429' | '503', number> = { '429': 0, '503': 0 };
  /** Answers that nobody should get, and requests that broke: the first of them, and how many. */
  readonly wrong: string[] = [];
  wrongs = 0;

  get answers(): number {
    return this.accepted.length + this.refusedMs.length + this.wrongs;
  }

  note(what: string): void {
    this.wrongs += 1;
    if (this.wrong.length < 5) this.wrong.push(what);
  }
}

export interface Load {
  clients: number;
  /** Of all clients together. */
  perSecond: number;
  seconds: number;
  /** Bearer token of this client; undefined: none. */
  tokenOf: (client: number) => string | undefined;
  bodyOf: (client: number) => string;
}

const ANSWER_MS = 60_000;

/**
 * Clients with a connection each, all in this process: every one sends at its own pace whatever it is told, and a request that it could not send in
 * time, as the one before had no answer yet, is left out. So what is offered falls when answers are slow, as `answers` tells.
 */
export async function offer(url: string, load: Load): Promise<Heard> {
  const heard = new Heard();
  const pool = new Pool(url, { connections: load.clients, pipelining: 1, headersTimeout: ANSWER_MS, bodyTimeout: ANSWER_MS });
  const everyMs = (1_000 * load.clients) / load.perSecond;
  const begun = performance.now();
  const endMs = begun + load.seconds * 1_000;
  const client = async (index: number): Promise<void> => {
    const headers = headersOf(load.tokenOf(index));
    const body = load.bodyOf(index);
    for (let next = begun + (everyMs * index) / load.clients; next < endMs;) {
      await sleep(Math.max(0, next - performance.now()));
      await ask(pool, headers, body, heard);
      next = Math.max(next + everyMs, performance.now());
    }
  };
  await Promise.all(Array.from({ length: load.clients }, (_, index) => client(index)));
  await pool.close();
  return heard;
}

async function ask(pool: Pool, headers: Record<string, string>, body: string, heard: Heard): Promise<void> {
  const begun = performance.now();
  try {
    const answer = await pool.request({ method: 'POST', path: '/api/v1/tasks', headers, body });
    const text = await answer.body.text();
    const ms = performance.now() - begun;
    const status = answer.statusCode;
    if (status === 202) {
      heard.accepted.push((JSON.parse(text) as { id: string }).id);
      heard.acceptedMs.push(ms);
    } else if ((status === 429 || status === 503) && isPolite(answer.headers)) {
      heard.refused[status] += 1;
      heard.refusedMs.push(ms);
    } else {
      heard.note(`${status} ${JSON.stringify(answer.headers)} ${text.slice(0, 300)}`);
    }
  } catch (error) {
    heard.note(error instanceof Error ? error.message : String(error));
  }
}

/** A problem document that says when to come back. */
function isPolite(headers: Record<string, string | string[] | undefined>): boolean {
  return Number(headers['retry-after']) >= 1 && String(headers['content-type']).startsWith('application/problem+json');
}

function headersOf(token: string | undefined): Record<string, string> {
  return { 'content-type': 'application/json', ...(token !== undefined && { authorization: `Bearer ${token}` }) };
}
