/** A port whose methods answer instead of promising. */
export type Prompt<T> = {
  [K in keyof T]: T[K] extends (...args: infer A) => Promise<infer R> ? (...args: A) => R : never;
};

/**
 * The port itself: each method does all its work when it is called and gives a promise that is settled already. What it throws becomes
 * the promise's rejection.
 */
export function atOnce<T extends object>(methods: Prompt<T>): T {
  const port: Record<string, unknown> = {};
  for (const [name, method] of Object.entries<(...args: unknown[]) => unknown>({ ...methods })) {
    port[name] = (...args: unknown[]) => new Promise(resolve => resolve(method(...args)));
  }
  return port as T;
}
