/** Microseconds of CLOCK_MONOTONIC: the same clock for every process of the machine. */
export function nowUs(): number {
  return Number(process.hrtime.bigint() / 1_000n);
}
