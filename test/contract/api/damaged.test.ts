import { expect } from 'chai';

import { DAMAGES } from '../store/damages.js';
import { apiOnMongo } from './on-mongo.js';

describe('The API on a task whose record is damaged', function () {
  this.timeout(60_000);
  const { send, submit, idOf, spoil } = apiOnMongo();

  for (const [what, change] of DAMAGES) {
    it(`shows what can be read of one with ${what}, says so, and lets it be cancelled`, async () => {
      const id = await idOf({ name: 'anything', exclusive: ['a'] });
      const other = await idOf({ name: 'anything', exclusive: ['a'] });
      await spoil(id, change);
      const one = await send(`/tasks/${id}`);
      expect([one.status, one.body.id, one.body.name]).to.deep.equal([200, id, 'anything']);
      const listed = await send('/tasks?sort=createdAt');
      expect(listed.body.items.map(task => task.id)).to.deep.equal([id, other]);
      expect((await send(`/tasks/${id}/explain`)).body.text).to.match(/record is damaged/);
      expect((await send(`/tasks/${other}/explain`)).status).to.equal(200);
      expect((await send('/resources/a')).status).to.equal(200);
      expect((await send(`/tasks/${id}/cancel`, { method: 'POST' })).status).to.equal(202);
      expect((await submit({ name: 'anything' })).status).to.equal(202);
    });
  }
});
