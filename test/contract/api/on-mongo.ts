import type { Db } from 'mongodb';

import type { ApiDeps, ApiServer } from '../../../src/api/context.js';
import type { Task } from '../../../src/core/task.js';
import type { Store } from '../../../src/store/store.js';
import { mongoUnderTest } from '../store/mongo-under-test.js';
import { startAll } from '../store/support.js';
import { ask, openApi, type Answer, type Asking, type QuietBroker } from './fixture.js';

export interface ApiOnMongo {
  store: () => Store;
  broker: () => QuietBroker;
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
  db: () => Db;
  /** How many tasks are stored. */
  stored: () => Promise<number>;
}

/** An API on a database of its own, emptied before each test. Registers its own hooks. */
export function apiOnMongo(change: Partial<ApiDeps> = {}): ApiOnMongo {
  const mongo = mongoUnderTest();
  let app: ApiServer;
  let broker: QuietBroker;

  before(() => {
    ({ app, broker } = openApi(mongo.store(), change));
  });
  after(() => app.close());
  beforeEach(() => mongo.clear());

  const send: ApiOnMongo['send'] = (path, asking = {}) => ask(app, path, asking);
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
    db: () => mongo.db(),
    stored: () => mongo.db().collection('tasks').countDocuments(),
  };
}
