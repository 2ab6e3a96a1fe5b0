/** A copy without these fields. */
export function omit<T extends object, K extends keyof T>(record: T, ...fields: K[]): Omit<T, K> {
  const kept = Object.entries(record).filter(([name]) => !fields.some(field => field === name));
  return Object.fromEntries(kept) as Omit<T, K>;
}
