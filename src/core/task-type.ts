/** A task type as a worker has it; version 0: its definition names none. */
export interface TypeVersion {
  name: string;
  version: number;
}

/** Names of task types have no `@`: `repository.sync@2`, or the name alone. */
export function labelOf({ name, version = 0 }: { name: string; version?: number | undefined }): string {
  return version === 0 ? name : `${name}@${version}`;
}

/** The reverse. What is no version counts as none. */
export function typeOfLabel(label: string): TypeVersion {
  const at = label.lastIndexOf('@');
  const version = at < 0 ? 0 : Number(label.slice(at + 1));
  return at < 0 || !Number.isSafeInteger(version) ? { name: label, version: 0 } : { name: label.slice(0, at), version };
}

/** Versions by name. */
export type KnownTypes = ReadonlyMap<string, number>;

export function knownTypes(labels: readonly string[]): KnownTypes {
  return new Map(labels.map(typeOfLabel).map(({ name, version }) => [name, version]));
}

/**
 * Whether whoever has these types may run this task: the type is there, in the version of the task or a later one. Nothing known is no reason to
 * keep anybody away: it is said by a worker whose children are still starting, or by an older one.
 */
export function mayRun(
  known: KnownTypes | undefined,
  { name, version = 0 }: { name: string; version?: number | undefined },
): boolean {
  if (!known || known.size === 0) return true;
  const mine = known.get(name);
  return mine !== undefined && mine >= version;
}
