import { once } from 'node:events';
import { createServer, request as ask, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { connect, type AddressInfo, type Socket } from 'node:net';

/** An HTTP proxy with basic authentication: forwards plain requests, tunnels the rest. */
export class TestProxy {
  readonly #server: Server;
  readonly #credentials: string | undefined;
  readonly #sockets = new Set<Socket>();
  /** What went through, as `GET http://…` or `CONNECT host:port`. */
  readonly passed: string[] = [];

  private constructor(server: Server, credentials: string | undefined) {
    this.#server = server;
    this.#credentials = credentials && `Basic ${Buffer.from(credentials).toString('base64')}`;
    server.on('request', (request: IncomingMessage, response: ServerResponse) => this.#forward(request, response));
    server.on('connect', (request: IncomingMessage, socket: Socket) => this.#tunnel(request, socket));
    server.on('connection', (socket: Socket) => this.#track(socket));
  }

  /** `credentials` as `name:password`. */
  static async start(credentials?: string): Promise<TestProxy> {
    const server = createServer();
    const proxy = new TestProxy(server, credentials);
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    return proxy;
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  async stop(): Promise<void> {
    for (const socket of this.#sockets) socket.destroy();
    this.#server.close();
    if (this.#server.listening) await once(this.#server, 'close');
  }

  #forward(request: IncomingMessage, response: ServerResponse): void {
    if (this.#refuses(request)) return void response.writeHead(407).end('who are you?');
    const url = request.url ?? '';
    this.passed.push(`GET ${url}`);
    const headers = Object.entries(request.headers).filter(([name]) => name !== 'proxy-authorization');
    ask(url, { headers: Object.fromEntries(headers) }, answer => {
      response.writeHead(answer.statusCode ?? 502, answer.headers);
      answer.pipe(response);
    })
      .on('error', () => response.destroy())
      .end();
  }

  #tunnel(request: IncomingMessage, socket: Socket): void {
    if (this.#refuses(request)) return void socket.end('HTTP/1.1 407 Proxy Authentication Required\r\n\r\n');
    const target = request.url ?? '';
    this.passed.push(`CONNECT ${target}`);
    const [host = '', port] = target.split(':');
    const onward = connect(Number(port), host, () => {
      socket.write('HTTP/1.1 200 Connection Established\r\n\r\n');
      onward.pipe(socket).pipe(onward);
    });
    this.#track(onward);
    onward.on('close', () => socket.destroy());
    socket.on('close', () => onward.destroy());
  }

  #refuses(request: IncomingMessage): boolean {
    return this.#credentials !== undefined && request.headers['proxy-authorization'] !== this.#credentials;
  }

  #track(socket: Socket): void {
    this.#sockets.add(socket);
    socket.on('error', () => undefined); // 'close' follows, which is all that matters here
    socket.on('close', () => this.#sockets.delete(socket));
  }
}
