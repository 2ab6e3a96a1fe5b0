/** A way round in `after`, as `['a', 'b', 'a']`, or undefined. Names that nobody has are passed over. O(nodes + edges), without recursion. */
export function cycleIn(after: ReadonlyMap<string, readonly string[]>): string[] | undefined {
  const done = new Set<string>();
  for (const start of after.keys()) {
    const path: { name: string; next: number }[] = [{ name: start, next: 0 }];
    const onPath = new Set([start]);
    for (let here = path.at(-1); here; here = path.at(-1)) {
      const next = done.has(here.name) ? undefined : after.get(here.name)?.[here.next++];
      if (next === undefined) {
        done.add(here.name);
        onPath.delete(here.name);
        path.pop();
      } else if (onPath.has(next)) {
        const names = path.map(({ name }) => name);
        return [...names.slice(names.indexOf(next)), next];
      } else if (!done.has(next)) {
        path.push({ name: next, next: 0 });
        onPath.add(next);
      }
    }
  }
  return undefined;
}
