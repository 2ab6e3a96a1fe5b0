import type { IncomingMessage } from 'node:http';

import { expect } from 'chai';

import { OpenBind, refuseOpenBind } from '../../../src/api/bind.js';
import { accepts } from '../../../src/api/http/accept.js';
import { etagOf, isMatch } from '../../../src/api/http/etag.js';
import { waitOf } from '../../../src/api/http/prefer.js';
import { requestIds } from '../../../src/api/http/request-id.js';
import { system } from '../../../src/process/system.js';

describe('Prefer', () => {
  for (const [header, seconds] of [
    ['wait=10', 10],
    ['respond-async, wait=10', 10],
    ['WAIT = "5"; x=1', 5],
    ['wait=0', 0],
    ['wait=61', 60],
    ['wait=99999999999', undefined],
    ['wait=-1', undefined],
    ['wait=1.5', undefined],
    ['wait', undefined],
    ['await=3', undefined],
    [undefined, undefined],
  ] as const) {
    it(`"${header ?? 'nothing'}" asks for ${seconds ?? 'no'} seconds`, () => expect(waitOf(header)).to.equal(seconds));
  }
});

describe('ETags', () => {
  const tag = etagOf('{"a":1}');

  it('are strong, quoted, and differ with the body', () => {
    expect(tag).to.match(/^"[A-Za-z0-9_-]+"$/);
    expect(etagOf('{"a":2}')).to.not.equal(tag);
    expect(etagOf('{"a":1}')).to.equal(tag);
  });

  it('match in a list, weakly, and by a star', () => {
    for (const header of [tag, `"x", ${tag}`, `W/${tag}`, '*', ' * ']) expect(isMatch(header, tag), header).to.equal(true);
    for (const header of [undefined, '', '"x"', tag.slice(1, -1)]) expect(isMatch(header, tag), String(header)).to.equal(false);
  });
});

describe('Request ids', () => {
  const idFor = (given: string | string[] | undefined) =>
    requestIds(system.random)({ headers: { 'x-request-id': given } } as unknown as IncomingMessage);

  it('are taken from the client where they are harmless', () => expect(idFor('a.B-1_2')).to.equal('a.B-1_2'));

  for (const bad of ['', 'a b', 'a\nb', 'é', 'x'.repeat(129), ['a', 'b'], undefined]) {
    it(`are made anew for ${bad === undefined ? 'none' : JSON.stringify(bad).slice(0, 30)}`, () =>
      expect(idFor(bad)).to.match(/^[0-9a-f-]{36}$/));
  }
});

describe('Where the API may listen', () => {
  const tokens = (any: boolean) => ({ any: () => Promise.resolve(any) });

  for (const host of ['127.0.0.1', '127.1.2.3', '::1', 'localhost'])
    it(`allows ${host}`, () => refuseOpenBind({ host, encrypted: false }, tokens(false)));

  for (const host of ['0.0.0.0', '::', '192.168.1.2', 'example.org', 'localhost.example.org', '127.0.0.1.example.org', '']) {
    it(`refuses ${host || 'an empty name'} as long as there are no tokens`, async () => {
      const refused: unknown = await refuseOpenBind({ host, encrypted: true }, tokens(false)).catch((error: unknown) => error);
      expect(refused)
        .to.be.instanceOf(OpenBind)
        .with.property('message')
        .that.matches(/tokens/);
      await refuseOpenBind({ host, encrypted: true }, tokens(true));
    });

    it(`refuses ${host || 'an empty name'} as long as there is no TLS, tokens or not`, async () => {
      const refused: unknown = await refuseOpenBind({ host, encrypted: false }, tokens(true)).catch((error: unknown) => error);
      expect(refused)
        .to.be.instanceOf(OpenBind)
        .with.property('message')
        .that.matches(/TLS.*api\.tls\.certificateFile.*api\.behindTlsProxy/);
    });
  }
});

describe('Accept', () => {
  for (const [header, allowed] of [
    [undefined, true],
    ['', true],
    ['*/*', true],
    ['text/event-stream', true],
    ['Text/Event-Stream; charset=utf-8', true],
    ['application/json, text/*;q=0.1', true],
    ['application/json', false],
    ['text/event-stream;q=0, */*', false],
    ['*/*;q=0', false],
    ['text/*;q=0, text/event-stream', true],
  ] as const) {
    it(`"${header ?? 'nothing'}" ${allowed ? 'allows' : 'does not allow'} a stream of events`, () =>
      expect(accepts(header, 'text/event-stream')).to.equal(allowed));
  }
});
