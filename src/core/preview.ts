import { claimsOf, conflicts, type Reservation } from './reservation.js';
import { slotAfter, type Rule } from './schedule-rule.js';

/** What of a schedule says when it meets others, and over what. */
export interface Plan extends Reservation {
  id: string;
  name: string;
  rule: Rule;
}

export interface Meeting {
  schedule: { id: string; name: string };
  /** The first slot of the other one within the window. */
  slot: Date;
  /** Claims of the other one that do not go together with one of its own. */
  resources: string[];
}

/** The next slots after `after`, at most `count`. */
export function nextSlots(rule: Rule, after: Date, count: number): Date[] {
  const slots: Date[] = [];
  for (let slot = slotAfter(rule, after); slot && slots.length < count; slot = slotAfter(rule, slot)) slots.push(slot);
  return slots;
}

/** Which of the others want the same resources, one of the two exclusively. */
export function rivalsOf(plan: Plan, others: readonly Plan[]): { other: Plan; resources: string[] }[] {
  const own = claimsOf(plan);
  return others.flatMap(other => {
    if (other.id === plan.id) return [];
    const shared = claimsOf(other).filter(claim => own.some(each => conflicts(claim, each)));
    return shared.length > 0 ? [{ other, resources: shared.map(({ resource }) => resource) }] : [];
  });
}

/** Rivals that have a slot at most so many milliseconds before or after this one. */
export function meetings(slot: Date, rivals: ReturnType<typeof rivalsOf>, withinMs: number): Meeting[] {
  return rivals.flatMap(({ other, resources }) => {
    const near = slotAfter(other.rule, new Date(slot.getTime() - withinMs - 1));
    if (!near || near.getTime() > slot.getTime() + withinMs) return [];
    return [{ schedule: { id: other.id, name: other.name }, slot: near, resources }];
  });
}
