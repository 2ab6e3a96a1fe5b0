import type { ErrorObject, ValidateFunction } from 'ajv';

/** So many values make their errors in a few milliseconds; those of a whole body (1 MiB) took up to seven seconds, in which nobody else was answered. */
const FEW = 2_000;

/** What is wrong with a value: all of it where the value is small, else the first thing that is found. `all` is called only then. */
export function firstErrors(first: ValidateFunction, all: () => ValidateFunction, value: unknown): ErrorObject[] {
  if (first(value)) return [];
  const validate = isSmall(value) ? all() : first;
  if (validate !== first) validate(value);
  return validate.errors ?? [];
}

function isSmall(value: unknown): boolean {
  const open = [value];
  for (let seen = 0; open.length > 0; seen++) {
    const next = open.pop();
    if (typeof next !== 'object' || next === null) continue;
    const inside = Object.values(next);
    if (seen + open.length + inside.length > FEW) return false;
    for (const each of inside) open.push(each);
  }
  return true;
}
