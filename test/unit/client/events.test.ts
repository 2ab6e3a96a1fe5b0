import { once } from 'node:events';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

import { expect } from 'chai';

import { createClient, type StreamEvent } from '../../../src/client/client.js';
import { Blocks } from '../../../src/client/event-blocks.js';
import { MissingResource } from '../../../src/core/errors.js';
import { until } from '../../support/wait.js';

describe('Blocks of a stream of events', () => {
  const stream =
    'retry: 10\nid: a-1\n\n: heartbeat\nid: a-2\n\nid: a-3\nevent: task\ndata: {"é":1}\n\ndata: x\ndata: y\n\nevent: cut';
  const expected = [
    { event: '', data: '', id: 'a-1', retry: 10 },
    { event: '', data: '', id: 'a-2' },
    { event: 'task', data: '{"é":1}', id: 'a-3' },
    { event: '', data: 'x\ny' },
  ];

  it('are the same wherever the stream is cut, and with either end of a line', () => {
    for (const text of [stream, stream.replaceAll('\n', '\r\n')]) {
      const bytes = Buffer.from(text);
      for (const size of [1, 2, 3, 7, 1_000]) {
        const blocks = new Blocks();
        const found = [];
        for (let at = 0; at < bytes.length; at += size) found.push(...blocks.take(bytes.subarray(at, at + size)));
        expect(found, `pieces of ${size}`).to.deep.equal(expected);
      }
    }
  });

  it('have an end: what has none is no stream of events', () => {
    const blocks = new Blocks();
    expect(() => {
      for (let n = 0; n < 20; n++) blocks.take(Buffer.alloc(100_000, 'x'));
    }).to.throw(RangeError);
  });
});

describe('Following events with the client', function () {
  this.timeout(30_000);
  let server: Server;
  let asked: { path: string; lastId: string | undefined }[];
  afterEach(async () => {
    server.closeAllConnections();
    await new Promise(resolve => server.close(resolve));
  });

  /** An API that answers the nth request so. */
  async function answering(...answers: ((response: ServerResponse) => void)[]): Promise<ReturnType<typeof createClient>> {
    asked = [];
    server = createServer((request: IncomingMessage, response) => {
      asked.push({ path: request.url ?? '', lastId: request.headers['last-event-id'] as string | undefined });
      (answers[asked.length - 1] ?? answers.at(-1))?.(response);
    }).listen(0, '127.0.0.1');
    await once(server, 'listening');
    return createClient({ url: `http://127.0.0.1:${(server.address() as AddressInfo).port}` });
  }
  const says = (...blocks: string[]) => {
    return (response: ServerResponse): void => {
      response.writeHead(200, { 'content-type': 'text/event-stream' });
      response.write(`retry: 1\n${blocks.map(block => `${block}\n\n`).join('')}`);
    };
  };
  const task = (id: string, state: string): string =>
    `id: ${id}\nevent: task\ndata: ${JSON.stringify({ id: 't', state, progress: null })}`;
  const refuses = (status: number, code: string) => (response: ServerResponse) =>
    void response.writeHead(status, { 'content-type': 'application/problem+json' }).end(JSON.stringify({ code, detail: 'no' }));
  const shown = (event: StreamEvent): string => (event.kind === 'resync' ? `resync ${event.reason}` : event.task.state);
  async function all(events: AsyncIterable<StreamEvent>): Promise<string[]> {
    const found: string[] = [];
    for await (const event of events) found.push(shown(event));
    return found;
  }

  it('goes on after the last id, an id without an event too, over ends, cuts and refusals', async () => {
    let cut: (() => void) | undefined;
    const client = await answering(
      response => {
        says(task('a-1', 'waiting'), ': heartbeat\nid: a-5')(response);
        cut = () => response.socket?.destroySoon();
      },
      refuses(503, 'OVERLOADED'),
      response => (says(task('a-6', 'running'))(response), response.end()),
      says(
        'id: b-1\nevent: resync\ndata: {"reason":"unknown-id","detail":"x"}',
        'event: unheard\ndata: ?',
        task('b-2', 'completed'),
      ),
    );
    const found = [];
    for await (const event of client.task('t').events()) {
      found.push(shown(event));
      cut?.(); // not before: what has come with the cut itself may never be read
      cut = undefined;
    }
    expect(found).to.deep.equal(['waiting', 'running', 'resync unknown-id', 'completed']);
    expect(asked.map(({ lastId }) => lastId)).to.deep.equal([undefined, 'a-5', 'a-5', 'a-6']);
    expect(asked[0]!.path).to.equal('/api/v1/tasks/t/events');
  });

  it('asks with its filter, and leaves no connection behind when it is left', async () => {
    let closed = false;
    const client = await answering(response => {
      response.on('close', () => (closed = true));
      says(task('a-1', 'failed'), task('a-2', 'failed'))(response);
    });
    for await (const event of client.events({ state: ['failed', 'canceled'], name: 'n' })) {
      expect(shown(event)).to.equal('failed');
      break;
    }
    await until('the connection to be closed', () => closed);
    expect(asked.map(({ path }) => path)).to.deep.equal(['/api/v1/events?state=failed&state=canceled&name=n']);
  });

  it('ends when its signal says so, also while it waits', async () => {
    const client = await answering(says(task('a-1', 'running')));
    const leave = new AbortController();
    const found: string[] = [];
    for await (const event of client.events({}, { signal: leave.signal })) {
      found.push(shown(event));
      queueMicrotask(() => leave.abort());
    }
    expect(found).to.deep.equal(['running']);
  });

  it('throws what is no matter of time', async () => {
    const client = await answering(refuses(404, 'MISSING_RESOURCE'));
    const error = await all(client.task('t').events()).then(
      () => undefined,
      (reason: unknown) => reason,
    );
    expect(error).to.be.instanceOf(MissingResource);
  });
});
