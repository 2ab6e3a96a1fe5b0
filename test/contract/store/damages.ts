import type { Document } from 'mongodb';

export const WITHOUT_RUN = 'null where nothing is';

/** What hands and broken restores do to a record. */
export const DAMAGES: [what: string, change: Document][] = [
  ['no "exclusive"', { $unset: { exclusive: 1 } }],
  ['"exclusive" of another kind', { $set: { exclusive: 7 } }],
  ['a resource twice', { $set: { exclusive: ['a'], shared: ['a'] } }],
  ['units that are no number', { $set: { counted: [{ name: 'gpu', units: 'all' }] } }],
  ['no units in a list of them', { $set: { counted: [] } }],
  ['a resource that is also counted', { $set: { exclusive: ['a'], counted: [{ name: 'a', units: 1 }] } }],
  ['args that are no JSON', { $set: { args: '[1,' } }],
  ['args of another kind', { $set: { args: '{}' } }],
  ['kwargs that are no text', { $set: { kwargs: { a: 1 } } }],
  ['an unknown state', { $set: { state: 'wating' } }],
  ['no state', { $unset: { state: 1 } }],
  ['"attempts" of another kind', { $set: { attempts: 'none', progress: { a: 1 } } }],
  ['a number that is text', { $set: { maxAttempts: '3' } }],
  [WITHOUT_RUN, { $set: { run: null } }],
  ['a time that is text', { $set: { createdAt: '2020-01-01' } }],
  ['half a rate limit', { $set: { rate: { key: 'k' } } }],
  ['an expiry that is text', { $set: { expiresAt: 'soon' } }],
];
