let latest = 0;

/**
 * The memory that this process has now. Node reads it from a file of /proc: where no more files may be opened it is what it was before, as a heartbeat
 * must not fail for a figure.
 */
export function residentBytes(): number {
  try {
    latest = process.memoryUsage.rss();
  } catch {
    // EMFILE, or no /proc
  }
  return latest;
}
