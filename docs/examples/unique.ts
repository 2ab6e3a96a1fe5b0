import { setTimeout as sleep } from 'node:timers/promises';

import { defineTask } from 'interlock';
import { Type } from 'typebox';

export const reindex = defineTask({
  name: 'reindex',
  input: Type.Object({ repository: Type.String(), ms: Type.Optional(Type.Number()) }),
  unique: ({ repository }) => ({ key: `reindex:${repository}`, while: 'waiting' }),
  handler: ({ ms = 0 }) => sleep(ms),
});
