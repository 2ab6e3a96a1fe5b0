import fc from 'fast-check';

import { garbled } from './garble.js';
import { Api } from './rest-api.js';
import { BODIES } from './rest-bodies.js';
import { headers } from './rest-headers.js';
import type { Stage } from './stage.js';

interface Sent {
  method: 'POST' | 'PUT' | 'PATCH' | 'DELETE';
  path: string;
  text: Buffer;
  headers: Record<string, string>;
}

export const bodies: Stage<Sent> = {
  name: 'bodies of requests',
  open: async () => {
    const api = await new Api().open();
    const one = ([method, path, good]: (typeof BODIES)[number]): fc.Arbitrary<Sent> =>
      fc.record({ method: fc.constant(method), path: fc.constant(path), text: garbled(good), headers });
    // Most submissions come to the first.
    const [first, ...others] = BODIES.map(one);
    return {
      input: fc.oneof({ weight: 12, arbitrary: first! }, ...others.map(arbitrary => ({ weight: 1, arbitrary }))),
      judge: ({ path, ...asking }) => api.judge(path, asking),
      close: () => api.close(),
    };
  },
};
