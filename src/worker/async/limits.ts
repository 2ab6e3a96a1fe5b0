/** A child is retired when it uses as much memory as it may, and killed at this much more: what runs in it gets a chance to end. */
export const HARD_MEMORY = 1.25;
