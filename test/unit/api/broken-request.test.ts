import { PassThrough } from 'node:stream';
import type { Socket } from 'node:net';

import { expect } from 'chai';

import { answerBrokenRequest } from '../../../src/api/http/failures.js';

describe('what is not even a request', () => {
  function answerTo(code: string): { status: number; problem: { status: number; code: string } } {
    const socket = new PassThrough();
    answerBrokenRequest(Object.assign(new Error('broken'), { code }), socket as unknown as Socket);
    const text = String(socket.read());
    const [head = '', body = ''] = text.split('\r\n\r\n');
    expect(head).to.include('Connection: close');
    return { status: Number(head.split(' ')[1]), problem: JSON.parse(body) as { status: number; code: string } };
  }

  // A client may have sent its request on that connection just then: a 400 would tell it that the request was wrong.
  it('is told to come again when it did not arrive in time', () => {
    const { status, problem } = answerTo('ERR_HTTP_REQUEST_TIMEOUT');
    expect(status).to.equal(408);
    expect(problem).to.include({ status: 408, code: 'REQUEST_TIMEOUT' });
  });

  for (const [code, expected] of [
    ['HPE_INVALID_METHOD', 400],
    ['HPE_HEADER_OVERFLOW', 431],
  ] as const) {
    it(`is refused with ${expected} (${code})`, () => {
      const { status, problem } = answerTo(code);
      expect(status).to.equal(expected);
      expect(problem).to.include({ status: expected, code: 'VALIDATION_FAILED' });
    });
  }
});
