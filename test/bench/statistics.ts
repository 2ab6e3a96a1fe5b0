/** What one run measured, by name: the last word of a name is its unit (`p50Ms`, `tasksPerSecond`, `rssMiB`, `boundRatio`). */
export type Figures = Record<string, number>;

export interface Summary {
  median: number;
  min: number;
  max: number;
}

/** The smallest value that at least this share (0 to 1) of all does not exceed; NaN of nothing. */
export function percentile(values: readonly number[], share: number): number {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.max(0, Math.ceil(share * sorted.length) - 1)] ?? NaN;
}

/** The middle one, or the mean of the two in the middle; NaN of nothing. */
export function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  const half = sorted.length >> 1;
  return sorted.length % 2 === 1 ? sorted[half]! : mean(sorted.slice(Math.max(0, half - 1), half + 1));
}

/** NaN of nothing. */
export function mean(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}

export function summary(values: readonly number[]): Summary {
  return { median: median(values), min: Math.min(...values), max: Math.max(...values) };
}

/** Of each figure over all runs. Throws when a run lacks a figure that another one has, or has one that is no number. */
export function summaries(runs: readonly Figures[]): Record<string, Summary> {
  const names = [...new Set(runs.flatMap(run => Object.keys(run)))];
  return Object.fromEntries(
    names.map(name => {
      const values = runs.map(run => run[name] ?? NaN);
      if (values.some(value => !Number.isFinite(value))) throw new Error(`A run has no figure "${name}": ${values.join(', ')}`);
      return [name, summary(values)];
    }),
  );
}

/** `prefixMeanMs`, `prefixP50Ms` and `prefixP99Ms` of these milliseconds. */
export function spreadOf(prefix: string, ms: readonly number[]): Figures {
  return {
    [`${prefix}MeanMs`]: mean(ms),
    [`${prefix}P50Ms`]: percentile(ms, 0.5),
    [`${prefix}P99Ms`]: percentile(ms, 0.99),
  };
}
