import { expect } from 'chai';

import { ask, openApi, type Answer, type Asking } from './fixture.js';
import { scriptedStore } from './scripted-store.js';

export interface RefusingApi {
  ask: (path: string, asking?: Asking) => Promise<Answer>;
  /** Whatever was wrong: a problem document in words for people, nothing stored, sent or killed, no line at error level. */
  refusal: (path: string, asking: Asking) => Promise<Answer>;
}

/** An API whose store takes nothing. Registers its own hooks. */
export function refusingApi(): RefusingApi {
  const { store, calls } = scriptedStore({ schedules: { now: () => Promise.resolve(new Date()) } });
  const { app, broker, logged } = openApi(store);
  before(() => app.ready());
  after(() => app.close());
  beforeEach(() => (calls.length = 0));
  return {
    ask: (path, asking) => ask(app, path, asking),
    refusal: async (path, asking) => {
      const answer = await ask(app, path, asking);
      expect(answer.headers['content-type']).to.equal('application/problem+json; charset=utf-8');
      expect(answer.body).to.include.keys('type', 'title', 'status', 'detail', 'code', 'instance', 'errors');
      const [first] = answer.body.errors;
      expect(answer.body.status).to.equal(answer.status);
      expect(answer.body.instance).to.equal(answer.headers['x-request-id']);
      if (answer.body.code === 'VALIDATION_FAILED') expect(answer.body.detail).to.include(first?.detail ?? '');
      expect(answer.body.detail, 'the words of a validator').to.not.match(/must (NOT|match|have)|must be (string|integer|[<>=])/);
      expect(calls.filter(call => call !== 'schedules.now')).to.deep.equal([]);
      expect(broker.published).to.equal(0);
      // What ends a body that runs is a control message: a cancel, or a wish to a worker.
      expect(broker.controls).to.deep.equal([]);
      expect(logged()).to.not.include('"level":"error"');
      return answer;
    },
  };
}

/** One request that is refused: what is wrong with it, where it goes, and what `toldOf` makes of the answer. */
export type Refused = [what: string, sent: [path: string, asking: Asking], problem: string, words: string];

export const json = (text: string | Buffer): Refused[1] => ['/tasks', { method: 'POST', text }];

export const task = (more: object, headers: Record<string, string> = {}): Refused[1] => [
  '/tasks',
  { body: { name: 'anything', ...more }, headers },
];

/** `pointer reason`, after status and code where these are not 400 VALIDATION_FAILED; and what people are told. */
export function toldOf(answer: Answer): [problem: string, words: string] {
  const usual = '400 VALIDATION_FAILED ';
  const all = `${answer.status} ${firstOf(answer)}`;
  return [all.startsWith(usual) ? all.slice(usual.length) : all, wordsOf(answer)];
}

/** What somebody reads at 3 a.m.: of the first thing wrong, else of all. */
export function wordsOf({ body }: Answer): string {
  return body.errors[0]?.detail ?? body.detail;
}

/** Code, pointer and reason of the first thing wrong. */
export function firstOf({ body }: Answer): string {
  const [first] = body.errors;
  return `${body.code} ${first?.pointer ?? '-'} ${first?.reason ?? '-'}`;
}
