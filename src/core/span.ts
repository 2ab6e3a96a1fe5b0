/** `340 ms`, `12 s`, `3 min`, `5 h`, `2 days`: enough for a sentence. */
export function span(ms: number): string {
  const units: [string, number][] = [
    ['days', 86_400_000],
    ['h', 3_600_000],
    ['min', 60_000],
    ['s', 1_000],
  ];
  const whole = Math.max(0, Math.round(ms));
  const [unit, size] = units.find(([, size]) => whole >= 2 * size) ?? ['ms', 1];
  return `${Math.round(whole / size)} ${unit}`;
}
