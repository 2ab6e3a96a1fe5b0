import type { Canaries } from './canaries.js';
import type { Deployment } from './deployment.js';
import { until } from './wait.js';

/** Asks an API with a token; every answer is kept, with its headers, as `answer STATUS METHOD PATH`. */
export class HeardClient {
  readonly #deployment: Deployment;
  readonly #canaries: Canaries;
  readonly #token: string;

  constructor(deployment: Deployment, canaries: Canaries, token: string) {
    this.#deployment = deployment;
    this.#canaries = canaries;
    this.#token = token;
  }

  async ask<T = { id: string }>(method: string, path: string, body?: unknown, headers: Record<string, string> = {}): Promise<T> {
    const authorization = `Bearer ${this.#token}`;
    const answer = await this.#deployment.request<T>(method, path, body, { authorization, ...headers });
    const said = JSON.stringify(answer.body) + JSON.stringify([...answer.headers]);
    this.#canaries.hear(`answer ${answer.status} ${method} ${path.split('?')[0] ?? ''}`, said);
    return answer.body;
  }

  /** Resolves with the id of the task. */
  async run(name: string, body: object, headers: Record<string, string> = {}): Promise<string> {
    return (await this.ask('POST', '/api/v1/tasks', { name, ...body }, headers)).id;
  }

  async stateOf(id: string): Promise<string> {
    return (await this.ask<{ state: string }>('GET', `/api/v1/tasks/${id}`)).state;
  }

  async ended(id: string): Promise<string> {
    return until(`${id} has ended`, async () => {
      const state = await this.stateOf(id);
      return ['completed', 'failed', 'canceled'].includes(state) ? state : undefined;
    });
  }
}
