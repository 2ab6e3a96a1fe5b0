import type { ProgressReport } from '../core/task.js';
import { plain } from './output.js';

const WIDTH = 30;
/** More would push the last line out of a small window. */
const MOST_BARS = 8;

/** `Files  ████████░░░░  12/40 files`: one line for each report, as wide as the terminal at most. */
export function barsOf(progress: readonly ProgressReport[], columns: number): string[] {
  const shown = progress.slice(-MOST_BARS);
  const width = Math.max(0, ...shown.map(({ message }) => plain(message, 40).length));
  return shown.map(report => cut(`${plain(report.message, 40).padEnd(width)}  ${amount(report)}`, columns));
}

function amount({ done, total, suffix, state }: ProgressReport): string {
  const unit = suffix === null ? '' : ` ${plain(suffix, 20)}`;
  const end = state === 'running' ? '' : ` (${state})`;
  if (total === null || total <= 0) return `${done}${unit}${end}`;
  const full = Math.round(Math.min(1, Math.max(0, done / total)) * WIDTH);
  return `${'█'.repeat(full)}${'░'.repeat(WIDTH - full)}  ${done}/${total}${unit}${end}`;
}

function cut(line: string, columns: number): string {
  return line.length > columns ? `${line.slice(0, Math.max(0, columns - 1))}…` : line;
}

/** Lines at the bottom of a terminal that are drawn again in their place. */
export class LiveLines {
  readonly #stream: NodeJS.WriteStream;
  #drawn = 0;

  constructor(stream: NodeJS.WriteStream) {
    this.#stream = stream;
  }

  draw(lines: readonly string[]): void {
    this.#stream.write(`${this.#back()}${lines.map(line => `${line}\n`).join('')}`);
    this.#drawn = lines.length;
  }

  clear(): void {
    this.#stream.write(this.#back());
    this.#drawn = 0;
  }

  /** To the first of them, with all of them gone. */
  #back(): string {
    return this.#drawn === 0 ? '' : `\u001b[${this.#drawn}A\u001b[J`;
  }
}
