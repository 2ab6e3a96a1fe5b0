import { expect } from 'chai';

import { ask, openApi, type Answer, type Asking } from './fixture.js';
import { scriptedStore } from './scripted-store.js';

export interface RefusingApi {
  ask: (path: string, asking?: Asking) => Promise<Answer>;
  /** Whatever was wrong: a problem document, nothing stored, nothing sent, no line at error level. */
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
      expect(answer.body.status).to.equal(answer.status);
      expect(answer.body.instance).to.equal(answer.headers['x-request-id']);
      expect(calls.filter(call => call !== 'schedules.now')).to.deep.equal([]);
      expect(broker.published).to.equal(0);
      expect(logged()).to.not.include('"level":"error"');
      return answer;
    },
  };
}

/** Code, pointer and reason of the first thing wrong. */
export function firstOf({ body }: Answer): string {
  const [first] = body.errors;
  return `${body.code} ${first?.pointer ?? '-'} ${first?.reason ?? '-'}`;
}
