import { request as httpRequest } from 'node:http';
import type { AddressInfo } from 'node:net';

import { expect } from 'chai';

import type { ApiLimits, ApiServer } from '../../../src/api/context.js';
import { Acceptor } from '../../../src/dispatch/accept.js';
import { Hints } from '../../../src/dispatch/hints.js';
import { limited, OpenTasks } from '../../../src/dispatch/open-limit.js';
import { silentLog } from '../../../src/process/log.js';
import { system } from '../../../src/process/system.js';
import { quietEvents } from '../../support/quiet-events.js';
import { until } from '../../support/wait.js';
import { Guarded } from './access-fixture.js';
import { QuietBroker, SETTINGS, type Answer } from './fixture.js';

const TASK = { name: 'anything' };

describe('More than an API takes', () => {
  let guarded: Guarded;
  let held: (() => void)[];
  beforeEach(() => {
    guarded = new Guarded();
    held = [];
  });
  afterEach(async () => {
    for (const release of held) release();
    await guarded.close();
  });

  const open = (limits: Partial<ApiLimits>): Promise<ApiServer> => guarded.open({ limits: { ...SETTINGS.limits, ...limits } });

  /** An API whose acceptor holds every submission until it is let go. */
  const holding = (limits: Partial<ApiLimits>): Promise<ApiServer> => {
    const accept = (): Promise<never> => new Promise((_resolve, reject) => held.push(() => reject(new Error('let go'))));
    return guarded.open({ limits: { ...SETTINGS.limits, ...limits } }, { acceptor: { accept, acceptAll: accept } });
  };

  const refusal = ({ status, headers, body }: Answer): unknown[] => [status, body.code, headers['retry-after']];
  const RATE_LIMITED = [429, 'RATE_LIMITED', '1'];
  const OVERLOADED = [503, 'OVERLOADED', '1'];
  const metric = async (app: ApiServer, line: string): Promise<number> => {
    const text = (await app.inject('/metrics')).body;
    return Number(new RegExp(`^${line.replace(/[{}]/g, '\\$&')} (\\S+)$`, 'm').exec(text)?.[1]);
  };

  it('is told with 429 and when to come back, to each by his token or his address', async () => {
    const app = await open({ requestsPerSecond: 2, burst: 3 });
    const [ann, bob] = [await guarded.token('ann', 'submit'), await guarded.token('bob', 'read')];
    const asked = async (token?: string): Promise<Answer> => guarded.send(app, '/tasks', token === undefined ? {} : { token });
    for (let n = 0; n < 3; n++) expect((await asked(ann.text)).status).to.equal(200);
    const refused = await guarded.send(app, '/tasks', { token: ann.text, body: TASK });
    expect(refusal(refused)).to.deep.equal(RATE_LIMITED);
    expect(refused.body.detail).to.equal(
      'The token "ann" may send 2 requests a second for long. Nothing was done; come back later.',
    );
    expect((await asked(bob.text)).status, 'another token').to.equal(200);
    guarded.nowMs += 500;
    expect((await asked(ann.text)).status, 'half a second later').to.equal(200);
    expect(refusal(await asked(ann.text))).to.deep.equal(RATE_LIMITED);
    expect(await metric(app, 'interlock_http_requests_refused_total{limit="rate"}')).to.equal(2);
  });

  it('counts who shows a wrong token by his address, and never those who watch the API', async () => {
    const app = await open({ requestsPerSecond: 1, burst: 2 });
    await guarded.token('somebody', 'admin');
    const guess = (): Promise<Answer> => guarded.send(app, '/tasks', { token: 'ilk_guess' });
    expect([(await guess()).status, (await guess()).status]).to.deep.equal([401, 401]);
    expect(refusal(await guess())).to.deep.equal(RATE_LIMITED);
    expect(refusal(await guarded.send(app, '/status')), 'needs no token, and is counted').to.deep.equal(RATE_LIMITED);
    for (const path of ['/livez', '/readyz', '/metrics']) expect((await app.inject(path)).statusCode, path).to.equal(200);
    expect(
      guarded.lines.filter(line => line.includes('was refused')),
      'one line, however many',
    ).to.have.length(1);
  });

  it('has no rate with requestsPerSecond 0', async () => {
    const app = await open({ requestsPerSecond: 0, burst: 1 });
    for (let n = 0; n < 20; n++) expect((await guarded.send(app, '/tasks')).status).to.equal(200);
  });

  it('is told with 503 while so many are being answered, and taken again when one has ended', async () => {
    const app = await holding({ inFlight: 2 });
    const first = [guarded.send(app, '/tasks', { body: TASK }), guarded.send(app, '/tasks', { body: TASK })];
    await until('both are under way', () => Promise.resolve(held.length === 2));
    expect(await metric(app, 'interlock_http_requests_in_flight')).to.equal(2);
    for (const path of ['/tasks', '/status']) expect(refusal(await guarded.send(app, path)), path).to.deep.equal(OVERLOADED);
    for (const path of ['/livez', '/readyz']) expect((await app.inject(path)).statusCode, path).to.equal(200);
    held.pop()?.();
    await first[1];
    expect((await guarded.send(app, '/tasks')).status).to.equal(200);
    expect(await metric(app, 'interlock_http_requests_refused_total{limit="in-flight"}')).to.equal(2);
    expect(guarded.log.match(/2 requests are being answered already/g), 'one line, however many').to.have.length(1);
  });

  it('is more than so many bytes of bodies, but never one that is alone', async () => {
    const app = await holding({ bodyMiB: 16 });
    const body = { tasks: [{ ...TASK, kwargs: { text: 'x'.repeat(15 * 2 ** 20) } }] };
    const large = (): Promise<Answer> => guarded.send(app, '/tasks/batch', { body });
    const small = { ...TASK, kwargs: { text: 'x'.repeat(2 ** 19) } };
    const smalls = [1, 2].map(() => guarded.send(app, '/tasks', { body: small }));
    await until('two are under way', () => Promise.resolve(held.length === 2));
    expect(refusal(await large())).to.deep.equal(OVERLOADED);
    expect((await guarded.send(app, '/tasks')).status, 'what has no body').to.equal(200);
    for (const release of held.splice(0)) release();
    await Promise.all(smalls);
    const alone = large();
    await until('it is under way', () => Promise.resolve(held.length === 1));
    held.pop()?.();
    expect((await alone).status).to.equal(500);
  });

  it('is no more than was left when clients go in the middle of it', async () => {
    const app = await holding({ inFlight: 2 });
    await app.listen({ host: '127.0.0.1', port: 0 });
    const { port } = app.server.address() as AddressInfo;
    const options = { port, host: '127.0.0.1', method: 'POST', path: '/api/v1/tasks', agent: false };
    const headers = { 'content-type': 'application/json' };
    const waiting = httpRequest({ ...options, headers }).on('error', () => undefined);
    waiting.end(JSON.stringify(TASK));
    await until('it is under way', () => Promise.resolve(held.length === 1));
    const half = httpRequest({ ...options, headers: { ...headers, 'content-length': 1_000 } }).on('error', () => undefined);
    half.write('{"name":');
    const inFlight = (): Promise<number> => metric(app, 'interlock_http_requests_in_flight');
    await until('both are counted', async () => (await inFlight()) === 2);
    for (const gone of [waiting, half]) {
      await new Promise(closed => gone.once('close', closed).destroy());
    }
    await until('the one that never came whole is forgotten', async () => (await inFlight()) === 1);
    held.pop()?.();
    await until('the other one when its work has ended', async () => (await inFlight()) === 0);
  });

  it('does not mean those who wait for a task or follow events: they have bounds of their own', async () => {
    const app = await open({ inFlight: 1 });
    await app.listen({ host: '127.0.0.1', port: 0 });
    const { port } = app.server.address() as AddressInfo;
    const url = `http://127.0.0.1:${port}/api/v1`;
    const { id } = (await guarded.send(app, '/tasks', { body: { ...TASK, countdown: 3_600 } })).body;
    const over = new AbortController();
    const streams = [`${url}/events`, `${url}/tasks/${id}/events`].map(path => fetch(path, { signal: over.signal }));
    for (const { status } of await Promise.all(streams)) expect(status).to.equal(200);
    const waits = fetch(`${url}/tasks/${id}`, { headers: { prefer: 'wait=60' }, signal: over.signal }).catch(() => undefined);
    const inFlight = (): Promise<number> => metric(app, 'interlock_http_requests_in_flight');
    await until('nothing is in flight', async () => (await inFlight()) === 0);
    expect((await guarded.send(app, '/tasks')).status).to.equal(200);
    over.abort();
    await waits;
  });

  it('is a body too many while those who wait have theirs in memory', async () => {
    const app = await open({ bodyMiB: 16 });
    const large = { tasks: [{ ...TASK, kwargs: { text: 'x'.repeat(15 * 2 ** 20) } }] };
    await app.listen({ host: '127.0.0.1', port: 0 });
    const { port } = app.server.address() as AddressInfo;
    const over = new AbortController();
    const waiting = Array.from({ length: 3 }, () =>
      fetch(`http://127.0.0.1:${port}/api/v1/tasks`, {
        ...{ method: 'POST', headers: { prefer: 'wait=60', 'content-type': 'application/json' }, signal: over.signal },
        body: JSON.stringify({ ...TASK, countdown: 3_600, kwargs: { text: 'x'.repeat(2 ** 19) } }),
      }).catch(() => undefined),
    );
    const stored = async (): Promise<number> => (await guarded.send(app, '/tasks')).body.items.length;
    await until('all are accepted, and wait', async () => (await stored()) === 3);
    expect(refusal(await guarded.send(app, '/tasks/batch', { body: large }))).to.deep.equal(OVERLOADED);
    over.abort();
    await Promise.all(waiting);
    const again = async (): Promise<boolean> => (await guarded.send(app, '/tasks/batch', { body: large })).status !== 503;
    await until('there is room when they have gone', again);
  });

  it('is a task above so many open ones, until some have ended', async () => {
    const metrics: string[] = [];
    let now = 0;
    const clock = { monotonicMs: () => now, wall: () => new Date(now) };
    const { tasks } = guarded.store;
    const openTasks = new OpenTasks({ tasks, clock, log: silentLog, limit: 3, refused: () => metrics.push('open-tasks') });
    const inner = new Acceptor({ tasks, hints: new Hints(new QuietBroker(), system.clock), events: quietEvents().events });
    const app = await guarded.open({}, { acceptor: limited(inner, openTasks) });
    const submitted = await Promise.all([1, 2].map(() => guarded.send(app, '/tasks', { body: TASK })));
    expect(submitted.map(({ status }) => status)).to.deep.equal([202, 202]);
    expect(refusal(await guarded.send(app, '/tasks/batch', { body: { tasks: [TASK, TASK] } }))).to.deep.equal(OVERLOADED);
    expect((await guarded.send(app, '/tasks', { body: TASK })).status, 'the last one').to.equal(202);
    const refused = await guarded.send(app, '/tasks', { body: TASK });
    expect(refusal(refused)).to.deep.equal(OVERLOADED);
    expect(refused.body.detail).to.equal('3 tasks may be open, and are. Nothing was done; come back when some have ended.');
    expect((await guarded.send(app, '/workflows', { body: { tasks: { a: TASK } } })).status).to.equal(503);
    expect(metrics).to.have.length(3);
    for (const { body } of submitted) await guarded.send(app, `/tasks/${body.id}/cancel`, { method: 'POST' });
    now += 1_000;
    expect((await guarded.send(app, '/tasks', { body: TASK })).status).to.equal(202);
    expect((await guarded.send(app, '/tasks', { body: TASK })).status).to.equal(202);
    expect(refusal(await guarded.send(app, '/tasks', { body: TASK }))).to.deep.equal(OVERLOADED);
  });
});
