/** The same id (UUIDv7), but of this time: its first 48 bits are milliseconds, so that an order by id is one by time. */
export function idAt(id: string, at: Date): string {
  const hex = at.getTime().toString(16).padStart(12, '0');
  return `${hex.slice(0, 8)}-${hex.slice(8)}${id.slice(13)}`;
}

/** No id of this time or a later one is less. */
export function leastIdAt(at: Date): string {
  return idAt('00000000-0000-0000-0000-000000000000', at);
}
