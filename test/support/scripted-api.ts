import { once } from 'node:events';
import { createServer, type IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';

export interface Heard {
  method: string;
  /** With query. */
  path: string;
  headers: IncomingMessage['headers'];
  body: unknown;
}

export interface Answer {
  status?: number;
  headers?: Record<string, string>;
  body?: unknown;
  /** Ends the connection without an answer. */
  hangUp?: true;
}

export interface ScriptedApi {
  url: string;
  /** What was asked so far. */
  heard: Heard[];
  close(): Promise<void>;
}

/** An HTTP server on a free port that answers as `answer` says. */
export async function scriptedApi(answer: (request: Heard) => Answer | Promise<Answer>): Promise<ScriptedApi> {
  const heard: Heard[] = [];
  const server = createServer((request, response) => {
    void (async () => {
      const chunks: Buffer[] = [];
      for await (const chunk of request) chunks.push(chunk as Buffer);
      const text = Buffer.concat(chunks).toString();
      const body: unknown = text === '' ? undefined : JSON.parse(text);
      const one: Heard = { method: request.method ?? '', path: request.url ?? '', headers: request.headers, body };
      heard.push(one);
      const { status = 200, headers = {}, body: reply, hangUp } = await answer(one);
      if (hangUp) return void response.destroy();
      const type = status >= 400 ? 'application/problem+json' : 'application/json';
      response.writeHead(status, { ...(reply !== undefined && { 'content-type': type }), ...headers });
      response.end(reply === undefined ? undefined : typeof reply === 'string' ? reply : JSON.stringify(reply));
    })();
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    heard,
    close: async () => {
      server.closeAllConnections();
      await new Promise(resolve => server.close(resolve));
    },
  };
}
