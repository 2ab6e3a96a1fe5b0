/** One way to break the product on purpose, and what must notice. */
export interface Mutant {
  name: string;
  file: string;
  /** Occurs exactly once in the file. */
  find: string;
  replace: string;
  /** What goes wrong in the world with it. */
  breaks: string;
  caughtBy: Catcher;
}

/** A number of seeds of the simulation, its step matrix, or tests: a file of test/, with a part of their names. */
export type Catcher = { seeds: number } | { matrix: true } | { test: string; grep?: string };
