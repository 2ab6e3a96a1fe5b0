import { createHash } from 'node:crypto';

import type { JsonObject } from '../core/json.js';
import { Acceptor } from '../dispatch/accept.js';
import { Events } from '../dispatch/events.js';
import { Hints } from '../dispatch/hints.js';
import type { UnitsOf } from '../dispatch/reserved.js';
import { prepare, type Origin } from '../dispatch/submission.js';
import type { TypeCatalogue } from '../dispatch/type-catalogue.js';
import { ServerTime } from '../process/server-time.js';
import type { Parts } from './compose.js';

export type Submit = (body: JsonObject, origin: Origin) => Promise<{ id: string }>;

/**
 * How a role that is not the API accepts tasks: checked, numbered and stored as the API does it. Without `types` the body has been
 * checked by whoever gives it. A slot of a schedule gives its task though there are too few units now: it waits for them.
 */
export function submitting({ store, broker, runtime, logger, tally }: Parts, types: TypeCatalogue | undefined): Submit {
  const events = new Events({ broker, tasks: store.tasks, clock: runtime.clock, log: logger });
  const accepted = (): void => tally.up('tasksAccepted');
  const acceptor = new Acceptor({ tasks: store.tasks, hints: new Hints(broker, runtime.clock), events, accepted });
  const time = new ServerTime(() => store.schedules.now(), runtime.clock);
  const unitsOf: UnitsOf = names => store.capacities.of(names);
  return async (body, origin) => {
    const now = await time.now();
    const deps = {
      types,
      unitsOf: origin.schedule ? undefined : unitsOf,
      now: () => now,
      newId: () => runtime.random.id(),
      hash: sha256,
    };
    const { task } = await acceptor.accept(await prepare(body, origin, deps));
    return { id: task.id };
  };
}

export function sha256(text: string): string {
  return createHash('sha256').update(text).digest('hex');
}
