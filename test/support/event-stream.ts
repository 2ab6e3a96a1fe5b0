import { once } from 'node:events';
import { get, type ClientRequest, type IncomingHttpHeaders, type IncomingMessage } from 'node:http';

import { receivedIn, summaries, type Received } from './events.js';
import { until } from './wait.js';

/** A stream of events as a well-behaved client reads it, on a connection of its own. */
export class EventStream {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  text = '';
  over = false;
  readonly #request: ClientRequest;

  private constructor(request: ClientRequest, response: IncomingMessage) {
    this.#request = request;
    this.status = response.statusCode ?? 0;
    this.headers = response.headers;
    response.setEncoding('utf8').on('data', (chunk: string) => (this.text += chunk));
    response.on('error', () => undefined); // left, or cut off: what was told until then is what counts
    response.on('close', () => (this.over = true));
  }

  static async open(url: string, headers: Record<string, string> = {}): Promise<EventStream> {
    const request = get(url, { headers, agent: false });
    const [response] = (await once(request, 'response')) as [IncomingMessage];
    request.on('error', () => undefined);
    return new EventStream(request, response);
  }

  get told(): string[] {
    return summaries(this.text);
  }

  get received(): Received[] {
    return receivedIn(this.text).filter(({ event }) => event !== '');
  }

  /** Id of the last thing that had one, an opening or a heartbeat too. */
  get lastId(): string {
    return receivedIn(this.text).findLast(({ id }) => id !== undefined)?.id ?? '';
  }

  async has(told: string[]): Promise<void> {
    await until(`the stream to say ${told.join(', ')}; it says ${this.told.join(', ')}`, () => this.told.join() === told.join());
  }

  async ends(): Promise<void> {
    await until('the stream to end', () => this.over);
  }

  leave(): void {
    this.#request.destroy();
  }
}

const FINAL = ['completed', 'failed', 'canceled', 'skipped'];

/** Tasks of whose end it has been told. */
export function endsIn({ received }: EventStream): Set<string> {
  return new Set(received.flatMap(({ data }) => (data?.id !== undefined && FINAL.includes(data.state ?? '') ? [data.id] : [])));
}
