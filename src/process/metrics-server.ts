import { createServer, type Server, type ServerResponse } from 'node:http';

import type { Registry } from 'prom-client';

import type { Log } from './log.js';
import type { Service } from './service.js';

export interface MetricsServerOptions {
  host: string;
  port: number;
  registry: Pick<Registry, 'metrics' | 'contentType'>;
  log: Log;
}

/** A scrape is a short request and a short answer. */
const REQUEST_MS = 5_000;

/** `GET /metrics` of a role that is not the API, and nothing else. `start` throws the system's error when the address cannot be had. */
export class MetricsServer implements Service {
  readonly name = 'metrics';
  readonly #options: MetricsServerOptions;
  readonly #server: Server;

  constructor(options: MetricsServerOptions) {
    this.#options = options;
    this.#server = createServer({ requestTimeout: REQUEST_MS, headersTimeout: REQUEST_MS }, (request, response) => {
      const path = request.url?.split('?', 1)[0];
      if (path !== '/metrics') plain(response, 404, 'Only /metrics is here.\n');
      else if (request.method !== 'GET' && request.method !== 'HEAD') plain(response, 405, 'Only GET is allowed here.\n');
      else void this.#answer(response);
    });
    this.#server.on('error', error => options.log.warn('The metrics server has a problem.', { err: error }));
  }

  /** Where it listens; undefined before that. */
  get port(): number | undefined {
    const address = this.#server.address();
    return typeof address === 'object' && address !== null ? address.port : undefined;
  }

  start(): Promise<void> {
    const { host, port, log } = this.#options;
    return new Promise((resolve, reject) => {
      this.#server.once('error', reject);
      this.#server.listen({ host, port }, () => {
        this.#server.off('error', reject);
        log.info(`Metrics of this process: http://${host.includes(':') ? `[${host}]` : host}:${this.port ?? port}/metrics`);
        resolve();
      });
    });
  }

  stop(): Promise<void> {
    return new Promise(resolve => {
      this.#server.close(() => resolve());
      this.#server.closeAllConnections();
    });
  }

  async #answer(response: ServerResponse): Promise<void> {
    const { registry, log } = this.#options;
    try {
      const text = await registry.metrics();
      response.writeHead(200, { 'content-type': registry.contentType }).end(text);
    } catch (error) {
      log.error('The metrics could not be collected.', { err: error });
      plain(response, 500, 'The log tells more.\n');
    }
  }
}

function plain(response: ServerResponse, status: number, text: string): void {
  response.writeHead(status, { 'content-type': 'text/plain; charset=utf-8' }).end(text);
}
