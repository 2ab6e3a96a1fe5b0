import { expect } from 'chai';
import fc from 'fast-check';
import { BSON } from 'mongodb';
import type { Json, JsonObject } from '../../../src/core/json.js';
import { toDocument, toTask, type TaskDocument } from '../../../src/store/mongo/task-documents.js';
import { newTask } from '../../contract/store/support.js';

describe('a task as a document', () => {
  it('comes back from BSON to the letter, whatever JSON users wrote', () => {
    const text = fc.json({ maxDepth: 4, stringUnit: 'binary' });
    fc.assert(
      fc.property(fc.array(text), fc.dictionary(fc.string({ unit: 'binary' }), text), text, (args, kwargs, result) => {
        const task = newTask({
          args: args.map(each => JSON.parse(each) as Json),
          kwargs: JSON.parse(
            `{${Object.entries(kwargs)
              .map(([k, v]) => `${JSON.stringify(k)}:${v}`)
              .join()}}`,
          ) as JsonObject,
          result: JSON.parse(result) as Json,
        });
        const document = toDocument(task, 7, new Date(0));
        const read = toTask(BSON.deserialize(BSON.serialize(document)) as TaskDocument);
        expect(JSON.stringify([read.args, read.kwargs, read.result])).to.equal(
          JSON.stringify([task.args, task.kwargs, task.result]),
        );
      }),
      { numRuns: 200 },
    );
  });

  it('is ready at once unless it waits for a delay or for other tasks', () => {
    const at = new Date(5);
    const ready = (waitingFor: 'delay' | 'dependencies' | 'worker' | 'resources') =>
      toDocument(newTask({ waitingFor }), 1, at).readyAt;
    expect([ready('worker'), ready('resources'), ready('delay'), ready('dependencies')]).to.deep.equal([
      at,
      at,
      undefined,
      undefined,
    ]);
  });
});
