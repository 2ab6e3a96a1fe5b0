const MAX_WAIT_SECONDS = 60;

/**
 * Seconds of `Prefer: wait=N` (RFC 7240), at most 60; undefined without one. What cannot be read is ignored, as the RFC asks
 * of every preference.
 */
export function waitOf(prefer: string | string[] | undefined): number | undefined {
  for (const preference of preferencesOf(prefer)) {
    const seconds = /^\s*wait\s*=\s*"?(\d{1,9})"?\s*(?:;|$)/i.exec(preference)?.[1];
    if (seconds !== undefined) return Math.min(Number(seconds), MAX_WAIT_SECONDS);
  }
  return undefined;
}

/** Whether `Prefer: return=representation` asks for a body where the answer would be without one. */
export function wantsRepresentation(prefer: string | string[] | undefined): boolean {
  return preferencesOf(prefer).some(preference => /^\s*return\s*=\s*"?representation"?\s*(?:;|$)/i.test(preference));
}

function preferencesOf(prefer: string | string[] | undefined): string[] {
  return [prefer ?? []].flat().join(',').split(',');
}
