/** Ends the name of a pattern: `repo/a/**` is `repo/a` and everything beneath it, `/**` everything that begins with a slash. */
export const ALL_BENEATH = '/**';
/** A pattern of this many levels at most, so that a name has few patterns above it, however long it is: each is looked for at a grant. */
export const MAX_LEVELS = 16;

export function isPattern(name: string): boolean {
  return name.endsWith(ALL_BENEATH);
}

/** Where the names beneath a pattern begin: `repo/` for `repo/**`. */
export function prefixOf(pattern: string): string {
  return pattern.slice(0, 1 - ALL_BENEATH.length);
}

/** The name that a pattern covers beside all that lie beneath: `repo` for `repo/**`. */
export function topOf(pattern: string): string {
  return pattern.slice(0, -ALL_BENEATH.length);
}

export function covers(pattern: string, name: string): boolean {
  return isPattern(pattern) && (name === topOf(pattern) || name.startsWith(prefixOf(pattern)));
}

/** Whether the names have something in common: they are equal, or one is a pattern that covers the other. */
export function overlap(a: string, b: string): boolean {
  return a === b || covers(a, b) || covers(b, a);
}

/** Every pattern that covers this name, or lies above this pattern, itself excepted; highest first. */
export function patternsAbove(name: string): string[] {
  const whole = isPattern(name) ? topOf(name) : name;
  const above: string[] = [];
  for (let at = whole.indexOf('/'); at >= 0 && above.length < MAX_LEVELS; at = whole.indexOf('/', at + 1))
    above.push(whole.slice(0, at) + ALL_BENEATH);
  if (whole === name && above.length < MAX_LEVELS) above.push(name + ALL_BENEATH);
  return above;
}
