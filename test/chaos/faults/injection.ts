import type { Fault } from '../plan-faults.js';
import type { Stage } from '../stage.js';

/** Undoes a fault; called once. A fault that is over with the deed has nothing to undo. */
export type Heal = () => void | Promise<void>;

/** Does a fault; throws where it cannot be done, as when there is no such child. */
export type Inject = (stage: Stage, fault: Fault) => Promise<Heal | undefined>;
