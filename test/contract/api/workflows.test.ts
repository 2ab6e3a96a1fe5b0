import { expect } from 'chai';

import { apiOnMongo } from './on-mongo.js';

interface Submitted {
  group: { id: string; href: string; name: string; counts: Record<string, number>; total: number; done: number };
  members: Record<string, { id: string; href: string }>;
}

describe('The API on MongoDB, workflows and groups', function () {
  this.timeout(60_000);
  const api = apiOnMongo();
  const { send, submit, stored } = api;

  const add = (more: object = {}) => ({ name: 'calculator.add', args: [1], ...more });
  const run = (tasks: object, headers: Record<string, string> = {}) =>
    send('/workflows', { body: { name: 'nightly', tasks }, headers });
  const submitted = (answer: { body: unknown }): Submitted => answer.body as Submitted;

  it('stores all members, those that come after others waiting for them', async () => {
    const answer = await run({
      a: add(),
      b: add({ after: ['a'], join: 'all-final' }),
      c: add({ exclusive: ['r'], after: ['a', 'b'] }),
    });
    const { group, members } = submitted(answer);
    expect(answer.status).to.equal(202);
    expect(answer.headers.location).to.equal(group.href);
    expect(group).to.deep.include({ name: 'nightly', kind: 'workflow', total: 3, done: 0 });
    const shown = await Promise.all(['a', 'b', 'c'].map(async node => (await send(`/tasks/${members[node]!.id}`)).body));
    expect(shown.map(({ waitingFor }) => waitingFor)).to.deep.equal(['worker', 'dependencies', 'dependencies']);
    expect(shown[1]).to.deep.include({
      node: 'b',
      group: group.id,
      join: 'all-final',
      after: [{ node: 'a', id: members.a!.id }],
    });
    const listed = await send(`/tasks?group=${group.id}&fields=node&sort=createdAt`);
    expect(listed.body.items).to.have.deep.members([{ node: 'a' }, { node: 'b' }, { node: 'c' }]);
    const explained = await send(`/tasks/${members.c!.id}/explain`);
    expect(explained.body.text).to.match(
      /after 2 tasks \(all-success\), of which 2 have not ended: "a" \(task .*, waiting\), "b"/,
    );
  });

  it('are the same workflow for the same key and body', async () => {
    const key = { 'idempotency-key': 'w' };
    const tasks = { a: add(), b: add({ after: ['a'] }) };
    const [first, second] = [await run(tasks, key), await run(tasks, key)];
    expect(second.headers['idempotency-replayed']).to.equal('true');
    expect(submitted(second)).to.deep.equal(submitted(first));
    expect(await stored()).to.equal(2);
    expect((await send('/task-groups')).body.items).to.have.length(1);
    expect((await run({ a: add() }, key)).body.code).to.equal('IDEMPOTENCY_KEY_REUSED');
  });

  const refusals: [what: string, tasks: object, pointer: string][] = [
    ['no tasks', {}, '/tasks'],
    ['a bad name', { 'a b': add() }, '/tasks'],
    ['an unknown type', { a: { name: 'unheard.of' } }, '/tasks/a/name'],
    ['an unknown field', { a: add({ afer: [] }) }, '/tasks/a/afer'],
    ['an unknown join', { a: add(), b: add({ after: ['a'], join: 'most' }) }, '/tasks/b/join'],
    ['a name that nobody has', { a: add({ after: ['b'] }) }, '/tasks/a/after/0'],
    ['itself', { a: add({ after: ['a'] }) }, '/tasks/a/after'],
    ['a name twice', { a: add(), b: add({ after: ['a', 'a'] }) }, '/tasks/b/after'],
    ['what its type refuses', { a: { name: 'repository.sync', kwargs: { repository: 7 } } }, '/tasks/a/kwargs/repository'],
  ];
  for (const [what, tasks, pointer] of refusals) {
    it(`refuses ${what}, says where, and stores nothing`, async () => {
      const { status, body } = await run(tasks);
      expect(status).to.be.oneOf([400, 422]);
      expect(body.errors[0]?.pointer).to.equal(pointer);
      expect(await stored()).to.equal(0);
    });
  }

  it('leaves no group behind when a unique key refuses it, and names the member', async () => {
    const unique = { key: 'k', onConflict: 'reject' };
    await send('/tasks', { body: add({ unique }) });
    const { status, body } = await run({ a: add(), b: add({ unique, after: ['a'] }) });
    expect(status).to.equal(409);
    expect(body.errors[0]?.pointer).to.equal('/tasks/b/unique/key');
    const twice = await run({ a: add({ unique: { key: 'l' } }), b: add({ unique: { key: 'l' } }) });
    expect(twice.body.errors[0]?.pointer).to.equal('/tasks/b/unique/key');
    expect(await stored()).to.equal(1);
    expect((await send('/task-groups')).body.items).to.deep.equal([]);
  });

  it('refuses more than a thousand members', async () => {
    const many = Object.fromEntries(Array.from({ length: 1_001 }, (_, index) => [`t${index}`, add()]));
    expect((await run(many)).body.errors[0]?.pointer).to.equal('/tasks');
  });

  it('cancels what waits, and what comes after it is skipped or cancelled too', async () => {
    const { group, members } = submitted(await run({ a: add(), b: add({ after: ['a'] }) }));
    const canceled = await send(`/task-groups/${group.id}/cancel`, { body: {} });
    expect(canceled.status).to.equal(202);
    expect(canceled.body).to.include({ total: 2, done: 2 });
    expect((await send(`/tasks/${members.a!.id}`)).body).to.include({ state: 'canceled', reason: 'user' });
    expect((await send('/task-groups/0190a0a0-0000-7000-8000-000000000000/cancel', { body: {} })).status).to.equal(404);
  });

  it('takes tasks one by one into a group that is there', async () => {
    const created = await send('/task-groups', { body: { name: 'mine' } });
    expect(created.status).to.equal(201);
    const { id } = created.body as { id: string };
    expect((await submit(add({ group: id }))).body).to.include({ group: id });
    const refused = await submit(add({ group: 'nobody' }));
    expect([refused.status, refused.body.errors[0]?.pointer]).to.deep.equal([400, '/group']);
    expect((await send(`/task-groups/${id}`)).body).to.deep.include({ name: 'mine', kind: 'group', total: 1, done: 0 });
  });

  it('lists groups newest first, page after page', async () => {
    const ids: string[] = [];
    for (const name of ['a', 'b', 'c']) ids.unshift(((await send('/task-groups', { body: { name } })).body as { id: string }).id);
    const first = await send('/task-groups?limit=2');
    expect(first.body.items.map(({ id }: { id: string }) => id)).to.deep.equal(ids.slice(0, 2));
    const rest = await send(first.body.next.replace('/api/v1', ''));
    expect(rest.body.items.map(({ id }: { id: string }) => id)).to.deep.equal(ids.slice(2));
    expect(rest.body.next).to.equal(null);
  });

  describe('unique keys', () => {
    it('refuse a batch in which two want the same, and one that somebody has', async () => {
      const unique = { key: 'k' };
      const twice = await send('/tasks/batch', { body: { tasks: [add({ unique }), add(), add({ unique })] } });
      expect([twice.status, twice.body.errors[0]?.pointer]).to.deep.equal([409, '/tasks/2/unique/key']);
      await submit(add({ unique }));
      const taken = await send('/tasks/batch', { body: { tasks: [add(), add({ unique })] } });
      expect([taken.status, taken.body.code]).to.deep.equal([409, 'CONFLICT']);
      expect(await stored()).to.equal(1);
    });

    it('say in the answer that another task stands for this one', async () => {
      const first = await submit(add({ unique: { key: 'k' } }));
      const second = await submit(add({ unique: { key: 'k' }, args: [2] }));
      expect([second.status, second.headers['unique-conflict'], second.body.id]).to.deep.equal([202, 'returned', first.body.id]);
      expect(first.headers).not.to.have.property('unique-conflict');
    });
  });
});
