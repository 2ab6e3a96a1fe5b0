import { expect } from 'chai';

import type { ApiServer } from '../../../src/api/context.js';
import type { Task } from '../../../src/core/task.js';
import type { Store } from '../../../src/store/store.js';
import { mongoUnderTest } from '../store/mongo-under-test.js';
import { startAll } from '../store/support.js';
import { ask, openApi, type Answer, type Asking, type QuietBroker } from './fixture.js';
import { answerCheck, documentOf } from './openapi-document.js';

export interface ApiOnMongo {
  store: () => Store;
  broker: () => QuietBroker;
  /** Every answer is also held to what the OpenAPI document says of it. */
  send: (path: string, asking?: Asking) => Promise<Answer>;
  submit: (body: object, headers?: Record<string, string>) => Promise<Answer>;
  idOf: (body: object) => Promise<string>;
  read: (id: string) => Promise<Task>;
  /** Starts a task as a worker would, and completes it. */
  complete: (id: string) => Promise<void>;
  /** Changes the record as a careless hand would. */
  spoil: (id: string, change: object) => Promise<void>;
  /** As an operator would, by mistake; gives the database back as it was. */
  withoutIndex: (name: string, work: () => Promise<void>) => Promise<void>;
  /** How many tasks are stored. */
  stored: () => Promise<number>;
}

/** An API on a database of its own, emptied before each test. Registers its own hooks. */
export function apiOnMongo(): ApiOnMongo {
  const mongo = mongoUnderTest();
  let app: ApiServer;
  let broker: QuietBroker;
  let promised: ReturnType<typeof answerCheck>;

  before(async () => {
    ({ app, broker } = openApi(mongo.store()));
    await app.ready();
    promised = answerCheck(documentOf(app));
  });
  after(() => app.close());
  beforeEach(() => mongo.clear());

  async function send(path: string, asking: Asking = {}): Promise<Answer> {
    const answer = await ask(app, path, asking);
    const method = asking.method ?? (asking.body === undefined ? 'GET' : 'POST');
    expect(promised(method, `/api/v1${path.split('?')[0] ?? ''}`, answer)).to.equal(undefined);
    return answer;
  }
  const submit: ApiOnMongo['submit'] = (body, headers = {}) => send('/tasks', { body, headers });
  const read = async (id: string): Promise<Task> => (await mongo.store().tasks.get(id))!;

  return {
    store: () => mongo.store(),
    broker: () => broker,
    send,
    submit,
    idOf: async body => (await submit(body)).body.id,
    read,
    complete: async id => {
      const token = await startAll(mongo.store(), [await read(id)]);
      await mongo.store().tasks.finish([{ id, token, outcome: { kind: 'completed', result: { answer: 42 } } }]);
    },
    spoil: async (id, change) => {
      await mongo.db().collection<{ _id: string }>('tasks').updateOne({ _id: id }, change);
    },
    withoutIndex: async (name, work) => {
      await mongo.db().collection('tasks').dropIndex(name);
      await work().finally(() => mongo.store().manage());
    },
    stored: () => mongo.db().collection('tasks').countDocuments(),
  };
}
