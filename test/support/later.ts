/** Calls `work` after `ms` of real time, for what runs on simulated time elsewhere. */
export function later(ms: number, work: () => void): void {
  setTimeout(work, ms);
}
