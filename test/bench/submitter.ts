import { Client } from 'undici';

export type SubmitBody = Record<string, unknown>;

const MAX_BATCH = 1_000;
const ANSWER_MS = 60_000;

/** One client with one connection that is kept alive: what it asks for comes one after the other. */
export class Submitter {
  readonly #client: Client;

  constructor(url: string) {
    this.#client = new Client(url, { headersTimeout: ANSWER_MS, bodyTimeout: ANSWER_MS });
  }

  /** Resolves with the id. Throws unless the task was accepted. */
  async submit(body: SubmitBody): Promise<string> {
    const { id } = (await this.#post('/api/v1/tasks', JSON.stringify(body))) as { id: string };
    return id;
  }

  /** In batches of `size`, one after the other. */
  async submitMany(bodies: readonly SubmitBody[], size = MAX_BATCH): Promise<void> {
    for (let from = 0; from < bodies.length; from += size) {
      await this.submitBatch(JSON.stringify({ tasks: bodies.slice(from, from + size) }));
    }
  }

  async submitBatch(json: string): Promise<void> {
    await this.#post('/api/v1/tasks/batch', json);
  }

  /** What is under way fails. */
  async close(): Promise<void> {
    await this.#client.destroy();
  }

  async #post(path: string, body: string): Promise<unknown> {
    const headers = { 'content-type': 'application/json' };
    const answer = await this.#client.request({ method: 'POST', path, headers, body });
    const text = await answer.body.text();
    if (answer.statusCode !== 202) throw new Error(`POST ${path}: ${answer.statusCode} ${text.slice(0, 500)}`);
    return JSON.parse(text);
  }
}
