import fc from 'fast-check';

import { Api, THERE } from './rest-api.js';
import { headers } from './rest-headers.js';
import type { Stage } from './stage.js';

/** Lists, each with the parameters that it takes. */
const LISTS: Record<string, string[]> = {
  '/tasks': [
    'state',
    'name',
    'queue',
    'tag',
    'resource',
    'group',
    'createdAfter',
    'finishedBefore',
    'sort',
    'fields',
    'limit',
    'cursor',
    'count',
  ],
  'DELETE /tasks': ['state', 'state', 'finishedBefore'],
  '/tasks/summary': ['by', 'state', 'queue'],
  '/resources': ['limit', 'after'],
  '/schedules': ['limit', 'after'],
  '/task-groups': ['limit', 'before'],
  '/audit': ['who', 'operation', 'target', 'outcome', 'after', 'before', 'limit', 'cursor'],
  '/tokens': ['limit', 'after'],
  '/workers': [],
  '/queues': [],
  '/task-types': [],
  '/status': [],
  '/maintenance': [],
  '/repositories': ['limit', 'cursor'],
};
const RECORDS = [
  ...Object.values(THERE).flatMap(id => [`/tasks/${id}`, `/tasks/${id}/explain`]),
  ...[`/schedules/${THERE.schedule}`, `/schedules/${THERE.schedule}/next`, `/task-groups/${THERE.group}`],
  ...['/resources/r', '/resources/gpu', '/workers/w', '/repositories/files', '/repositories/files/versions'],
  ...['/repositories/files/versions/1', '/tasks/x', '/resources/nowhere', '/nothing'],
];
const ODD_NAMES = [
  'state[$ne]',
  'name~',
  'name[$regex]',
  '__proto__',
  'constructor',
  'toString',
  '',
  'a/b',
  'token',
  'x'.repeat(500),
  '\u202e',
  '%',
  '[',
];
const GOOD = [
  'waiting',
  'completed',
  'anything',
  'r',
  '10',
  '1',
  'true',
  '2026-01-01T00:00:00Z',
  '-createdAt',
  'id,name',
  'failed',
  'state',
  THERE.completed,
];
const DATES = ['2026-01-01T00:00:00Z', '2030-01-01T00:00:00+02:00'];
/** What suits some of them. */
const GOOD_FOR: Record<string, string[]> = {
  state: ['waiting', 'running', 'completed', 'failed', 'canceled'],
  ...{
    createdAfter: DATES,
    finishedBefore: DATES,
    limit: ['1', '50'],
    sort: ['-createdAt', 'createdAt'],
    by: ['state', 'queue'],
  },
  ...{ fields: ['id,name', 'state'], count: ['true'], group: [THERE.group], name: ['calculator.add'] },
};
const ODD = [
  '',
  '0',
  '-1',
  '1e9',
  '9007199254740993',
  'NaN',
  '(a+)+$',
  '{"$gt":""}',
  '\0',
  '\ud83d',
  '\u202e',
  'x'.repeat(300),
  '2026-02-30T00:00:00Z',
  'null',
];
const ROUGH = ['%zz', '%00', '%ff', '%ed%a0%80', '%2e%2e%2f', '&&', '=', ';', '+', '%'];

interface Asked {
  method: 'GET' | 'DELETE';
  path: string;
  parameters: [string, string][];
  rough: string[];
  headers: Record<string, string>;
}

export const queries: Stage<Asked> = {
  name: 'paths and parameters',
  open: async () => {
    const api = await new Api().open();
    const encoded = (text: string): string => encodeURIComponent(text.replaceAll(/\p{Cs}/gu, '?'));
    const valueOf = (name: string): fc.Arbitrary<string> =>
      fc.oneof(
        { weight: 6, arbitrary: fc.constantFrom(...((Object.hasOwn(GOOD_FOR, name) ? GOOD_FOR[name] : undefined) ?? GOOD)) },
        { weight: 1, arbitrary: fc.constantFrom(...GOOD) },
        { weight: 2, arbitrary: fc.constantFrom(...ODD) },
        { weight: 1, arbitrary: fc.string({ unit: 'binary', maxLength: 20 }) },
      );
    const asking = (path: string, names: readonly string[]): fc.Arbitrary<Asked> => {
      const odd = fc.constantFrom(...ODD_NAMES);
      const name = names.length === 0 ? odd : fc.oneof({ weight: 12, arbitrary: fc.constantFrom(...names) }, odd);
      const deletes = path.startsWith('DELETE ');
      return fc.record({
        method: fc.constant(deletes ? 'DELETE' : 'GET'),
        path: fc.constant(path.replace(/^DELETE /, '')),
        parameters: fc.array(
          name.chain(each => fc.tuple(fc.constant(each), valueOf(each))),
          { maxLength: 3 },
        ),
        rough: fc.oneof(
          { weight: 9, arbitrary: fc.constant<string[]>([]) },
          fc.array(fc.constantFrom(...ROUGH), { maxLength: 2 }),
        ),
        // What is no path of the document is answered there by nothing.
        headers: path === '/nothing' ? fc.constant({}) : headers,
      });
    };
    const lists = Object.entries(LISTS).map(([path, names]) => ({ weight: 1 + names.length, arbitrary: asking(path, names) }));
    const records = RECORDS.map(path => ({ weight: 1, arbitrary: asking(path, []) }));
    return {
      input: fc.oneof(...lists, ...records),
      judge: ({ path, parameters, rough, ...asking }) => {
        const query = [...parameters.map(([name, value]) => `${encoded(name)}=${encoded(value)}`), ...rough].join('&');
        return api.judge(query === '' ? path : `${path}?${query}`, asking);
      },
      close: () => api.close(),
    };
  },
};
