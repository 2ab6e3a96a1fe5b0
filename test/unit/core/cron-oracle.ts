/** An expression of five fields, read and matched in the dumbest way there is: for comparison only. */
interface Reading {
  matches: (wall: string) => boolean;
  certain: boolean;
}

const MINUTE = 60_000;

export interface Shown {
  at: number;
  /** What the local clock shows, as `2026-03-29T02:30`. */
  wall: string;
}

/** Minute for minute of `[from, to)`. */
export function clock(timeZone: string, from: number, to: number): Shown[] {
  const format = new Intl.DateTimeFormat('en-CA', {
    timeZone,
    hourCycle: 'h23',
    year: 'numeric',
    month: '2-digit',
    day: '2-digit',
    hour: '2-digit',
    minute: '2-digit',
  });
  const shown: Shown[] = [];
  for (let at = from; at < to; at += MINUTE) {
    const part = Object.fromEntries(format.formatToParts(at).map(({ type, value }) => [type, value]));
    shown.push({ at, wall: `${part.year}-${part.month}-${part.day}T${part.hour}:${part.minute}` });
  }
  return shown;
}

/** The slots among these minutes. */
export function oracle(expression: string, instants: readonly Shown[]): number[] {
  const { matches, certain } = read(expression);
  if (!certain) return instants.filter(({ wall }) => matches(wall)).map(({ at }) => at);
  const slots = new Set<number>();
  const [first, last] = [instants[0]!.wall, instants.at(-1)!.wall];
  const firstShown = new Map<string, number>();
  for (const { wall, at } of instants) if (!firstShown.has(wall)) firstShown.set(wall, at);
  for (let minute = Date.parse(`${first}Z`); minute <= Date.parse(`${last}Z`); minute += MINUTE) {
    const wall = new Date(minute).toISOString().slice(0, 16);
    if (!matches(wall)) continue;
    slots.add(firstShown.get(wall) ?? instants.find(each => each.wall > wall)!.at);
  }
  return [...slots].sort((a, b) => a - b);
}

function read(expression: string): Reading {
  const fields = expression.split(' ');
  const [minute, hour, day, month, weekday] = fields as [string, string, string, string, string];
  const allows = (field: string, value: number, high: number): boolean =>
    field.split(',').some(item => {
      const [range = '', step] = item.split('/');
      const [a = '', b] = range === '*' ? ['0', String(high)] : range.split('-');
      const end = b ?? (step === undefined ? a : String(high));
      return value >= Number(a) && value <= Number(end) && (value - Number(a)) % Number(step ?? 1) === 0;
    });
  const matches = (wall: string): boolean => {
    const date = new Date(`${wall}:00Z`);
    const ofMonth = allows(day, date.getUTCDate(), 31);
    const ofWeek = allows(weekday, date.getUTCDay(), 6);
    return (
      allows(minute, date.getUTCMinutes(), 59) &&
      allows(hour, date.getUTCHours(), 23) &&
      allows(month, date.getUTCMonth() + 1, 12) &&
      (day === '*' || weekday === '*' ? ofMonth && ofWeek : ofMonth || ofWeek)
    );
  };
  return { matches, certain: [minute, hour].every(field => !field.includes('*') && !field.includes('/')) };
}
