import { expect } from 'chai';

import { decodeCursor, encodeCursor, linkHeader, pathWithCursor } from '../../../src/api/http/paging.js';

const id = '0190a1b2-0000-7000-8000-000000000001';
const list = { state: ['waiting'], sort: '-createdAt' };

const refusal = (text: string, of: unknown = list): string => {
  try {
    decodeCursor(text, of);
  } catch (error) {
    return (error as Error).message;
  }
  return 'accepted';
};

describe('Cursors', () => {
  it('come back as they were made', () => {
    for (const direction of ['after', 'before'] as const) {
      expect(decodeCursor(encodeCursor({ direction, id }, list), list)).to.deep.equal({ direction, id });
    }
  });

  it('may hold the time at which an ordered list is', () => {
    const cursor = { direction: 'after', id, at: new Date(1_234) } as const;
    expect(decodeCursor(encodeCursor(cursor, list), list)).to.deep.equal(cursor);
  });

  it('do not depend on the order in which filters were given', () => {
    const cursor = encodeCursor({ direction: 'after', id }, list);
    expect(decodeCursor(cursor, { sort: '-createdAt', state: ['waiting'] }).id).to.equal(id);
  });

  it('are refused with another filter or order', () => {
    const cursor = encodeCursor({ direction: 'after', id }, list);
    expect(refusal(cursor, { ...list, sort: 'createdAt' })).to.include('another filter or order');
    expect(refusal(cursor, { ...list, state: ['running'] })).to.include('another filter or order');
  });

  const of = (fields: unknown) => Buffer.from(JSON.stringify(fields)).toString('base64url');
  for (const forged of [
    '',
    'abc',
    '%%%',
    of({}),
    of(null),
    of([1, 'x', 'a', { $gt: '' }]),
    of([2, 'x', 'a', id]),
    of([1, 'x', 'c', id]),
    of([1, 'x', 'a', id, 9e15]),
  ]) {
    it(`are refused when forged: ${JSON.stringify(forged)}`, () => expect(refusal(forged)).to.include('is not a cursor'));
  }

  it('replace the cursor of a path and keep the rest of its query', () => {
    expect(pathWithCursor('/api/v1/tasks?state=a&state=b&cursor=old', 'new')).to.equal(
      '/api/v1/tasks?state=a&state=b&cursor=new',
    );
    expect(pathWithCursor('/api/v1/tasks', 'new')).to.equal('/api/v1/tasks?cursor=new');
  });

  it('make a Link header only of links that exist', () => {
    expect(linkHeader({ next: '/n', prev: '/p' })).to.equal('</n>; rel="next", </p>; rel="prev"');
    expect(linkHeader({ next: null, prev: null })).to.equal(undefined);
  });
});
