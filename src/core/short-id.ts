/**
 * A task in the text of a log line, as Pulp's logs have it: the first eight characters of its id. They tell tasks apart that were accepted more than a
 * minute apart (an id begins with its time), which is enough for a reader; what searches goes by the whole id, which stands in the field `taskId`.
 */
export function shortId(id: string): string {
  return id.slice(0, 8);
}
