import { expect } from 'chai';
import fc from 'fast-check';
import { nextSlot } from '../../../src/core/cron.js';
import { parseCron } from '../../../src/core/cron-fields.js';
import { InterlockError } from '../../../src/core/errors.js';
import { localTime, zoneOf } from '../../../src/core/zone.js';
import { clock, oracle } from './cron-oracle.js';

const HOUR = 3_600_000;
const DAY = 24 * HOUR;
const ZONES = ['Europe/Berlin', 'America/New_York', 'Australia/Lord_Howe', 'America/Santiago', 'Asia/Kolkata'];

function slots(expression: string, zone: string, after: string, count: number): string[] {
  const cron = parseCron(expression, '/cron');
  const found: string[] = [];
  for (let at = Date.parse(after); found.length < count;) {
    const next = nextSlot(cron, zoneOf(zone)!, at);
    if (next === undefined) break;
    found.push(new Date(next).toISOString().replace(':00.000Z', 'Z'));
    at = next;
  }
  return found;
}

function between(expression: string, zone: string, from: number, to: number): number[] {
  const cron = parseCron(expression, '/cron');
  const found: number[] = [];
  for (let at = nextSlot(cron, zoneOf(zone)!, from - 1); at !== undefined && at < to; at = nextSlot(cron, zoneOf(zone)!, at)) {
    if (found.length > 0 && at <= found.at(-1)!) throw new Error(`${at} does not come after ${found.at(-1)}`);
    found.push(at);
  }
  return found;
}

/** Every jump of the clock in ten years, by asking `Intl` every quarter of an hour. */
function jumps(timeZone: string): number[] {
  const format = new Intl.DateTimeFormat('en-GB', { timeZone, hour: '2-digit', minute: '2-digit', hourCycle: 'h23' });
  const ahead = (at: number): number => {
    const [hour = 0, minute = 0] = format.format(at).split(':').map(Number);
    return ((((hour * 60 + minute) * 60_000 - (at % DAY)) % DAY) + DAY) % DAY;
  };
  const found: number[] = [];
  for (let day = Date.UTC(2020, 0); day < Date.UTC(2030, 0); day += DAY) {
    if (ahead(day) === ahead(day + DAY)) continue;
    let at = day;
    while (ahead(at + HOUR / 4) === ahead(day)) at += HOUR / 4;
    found.push(at + HOUR / 4);
  }
  return found;
}

describe('cron', () => {
  const golden: [string, string, after: string, string[]][] = [
    // gap: 02:00 to 03:00 on 29 March 2026, repeated hour: 02:00 to 03:00 on 25 October
    ['30 2 * * *', 'Europe/Berlin', '2026-03-28T12:00Z', ['2026-03-29T01:00Z', '2026-03-30T00:30Z']],
    ['30 2 * * *', 'Europe/Berlin', '2026-10-24T12:00Z', ['2026-10-25T00:30Z', '2026-10-26T01:30Z']],
    ['30 2,14 * * *', 'Europe/Berlin', '2026-03-29T00:00Z', ['2026-03-29T01:00Z', '2026-03-29T12:30Z']],
    ['0,15,30 2 * * *', 'Europe/Berlin', '2026-03-29T00:00Z', ['2026-03-29T01:00Z', '2026-03-30T00:00Z']],
    ['0 2-3 * * *', 'Europe/Berlin', '2026-03-29T00:00Z', ['2026-03-29T01:00Z', '2026-03-30T00:00Z']],
    ['*/30 2 * * *', 'Europe/Berlin', '2026-03-28T12:00Z', ['2026-03-30T00:00Z']],
    [
      '*/30 2 * * *',
      'Europe/Berlin',
      '2026-10-24T12:00Z',
      ['2026-10-25T00:00Z', '2026-10-25T00:30Z', '2026-10-25T01:00Z', '2026-10-25T01:30Z', '2026-10-26T01:00Z'],
    ],
    ['0 * * * *', 'Europe/Berlin', '2026-03-29T00:00Z', ['2026-03-29T01:00Z', '2026-03-29T02:00Z']],
    ['0 * * * *', 'Australia/Lord_Howe', '2026-10-03T14:30Z', ['2026-10-03T16:00Z', '2026-10-03T17:00Z']],
    ['15 2 * * *', 'Australia/Lord_Howe', '2026-10-03T12:00Z', ['2026-10-03T15:30Z', '2026-10-04T15:15Z']],
    ['0 0 * * *', 'America/Santiago', '2026-09-05T12:00Z', ['2026-09-06T04:00Z', '2026-09-07T03:00Z']],
    ['30 9 * * MON-FRI', 'Asia/Kolkata', '2026-01-02T12:00Z', ['2026-01-05T04:00Z', '2026-01-06T04:00Z']],
    // the whole of 30 December 2011 was left out
    ['0 12 * * *', 'Pacific/Apia', '2011-12-29T00:00Z', ['2011-12-29T22:00Z', '2011-12-30T10:00Z', '2011-12-30T22:00Z']],
    // one of two restricted days is enough; a star with a step restricts nothing
    ['0 0 13 * 5', 'UTC', '2026-02-01T00:00Z', ['2026-02-06T00:00Z', '2026-02-13T00:00Z', '2026-02-20T00:00Z']],
    ['0 0 */10 * MON', 'UTC', '2026-01-01T00:00Z', ['2026-05-11T00:00Z', '2026-06-01T00:00Z']],
    ['0 0 L * *', 'UTC', '2028-01-01T00:00Z', ['2028-01-31T00:00Z', '2028-02-29T00:00Z', '2028-03-31T00:00Z']],
    ['0 0 L,1 * *', 'UTC', '2026-01-02T00:00Z', ['2026-01-31T00:00Z', '2026-02-01T00:00Z']],
    ['0 0 29 2 *', 'UTC', '2096-03-01T00:00Z', ['2104-02-29T00:00Z']],
    ['*/20 59 23 31 DEC *', 'UTC', '2026-12-31T23:59:30Z', ['2026-12-31T23:59:40.000Z', '2027-12-31T23:59Z']],
    ['5/20 * * * *', 'UTC', '2026-01-01T00:00Z', ['2026-01-01T00:05Z', '2026-01-01T00:25Z', '2026-01-01T00:45Z']],
    ['0 0 * * FRI-SUN', 'UTC', '2026-01-01T00:00Z', ['2026-01-02T00:00Z', '2026-01-03T00:00Z', '2026-01-04T00:00Z']],
    ['0 0 * * 7', 'UTC', '2026-01-01T00:00Z', ['2026-01-04T00:00Z']],
    ['@Weekly', 'UTC', '2026-01-01T00:00Z', ['2026-01-04T00:00Z', '2026-01-11T00:00Z']],
    ['@yearly', 'UTC', '2026-01-01T00:00Z', ['2027-01-01T00:00Z']],
  ];
  for (const [expression, zone, after, expected] of golden) {
    it(`"${expression}" in ${zone} after ${after}`, () => {
      expect(slots(expression, zone, after, expected.length)).to.deep.equal(expected);
    });
  }

  const EXPRESSIONS = [
    '30 2 * * *',
    '0 0 * * *',
    '15 2 * * *',
    '45 1,2,3 * * *',
    '0-40 0-3 * * *',
    '30 23 * * 6',
    '*/10 * * * *',
    '0 * * * *',
    '*/30 2 * * *',
    '20 */2 * * *',
    '7 1/3 * * *',
    '0 1 1-7 * 0',
  ];
  for (const zone of ZONES) {
    it(`agrees with looking at the clock of ${zone} minute for minute around every jump of ten years`, function () {
      this.timeout(120_000);
      const around = [...jumps(zone), Date.UTC(2026, 1, 28), Date.UTC(2028, 1, 28)];
      expect(around.length).to.be.at.least(zone === 'Asia/Kolkata' ? 2 : 20);
      for (const jump of around) {
        const [from, to] = [jump - 30 * HOUR, jump + 30 * HOUR];
        const shown = clock(zone, from, to);
        for (const expression of EXPRESSIONS) {
          const where = `"${expression}" around ${new Date(jump).toISOString()}`;
          expect(between(expression, zone, from, to), where).to.deep.equal(oracle(expression, shown));
        }
      }
    });
  }

  it('comes to days that are years away: a date on a day of the week, and 29 February on one', () => {
    const after = (expression: string, instant: number): string | undefined => {
      const next = nextSlot(parseCron(expression, '/cron'), zoneOf('UTC')!, instant);
      return next === undefined ? undefined : new Date(next).toISOString();
    };
    expect(after('0 0 1 1 */7', Date.UTC(2023, 0, 1))).to.equal('2034-01-01T00:00:00.000Z');
    expect(after('0 0 29 2 */7', Date.UTC(2088, 1, 29))).to.equal('2128-02-29T00:00:00.000Z');
    expect(after('0 0 30 2 *', Date.UTC(2026, 0, 1))).to.equal(undefined);
  });

  it('goes on from any instant to the same slots', () => {
    const field = (low: number, high: number) =>
      fc.oneof(
        fc.constant('*'),
        fc.integer({ min: low, max: high }).map(String),
        fc.integer({ min: 1, max: 20 }).map(step => `*/${step}`),
        fc
          .tuple(fc.integer({ min: low, max: high }), fc.integer({ min: low, max: high }))
          .map(([a, b]) => `${Math.min(a, b)}-${Math.max(a, b)}`),
      );
    const expression = fc
      .tuple(field(0, 59), field(0, 23), field(1, 28), field(1, 12), field(0, 6))
      .map(parts => parts.join(' '));
    const instant = fc.integer({ min: Date.UTC(2020, 0), max: Date.UTC(2030, 0) });
    fc.assert(
      fc.property(
        expression,
        fc.constantFrom(...ZONES),
        instant,
        fc.double({ min: 0, max: 1, noNaN: true }),
        (text, name, after, part) => {
          const [cron, zone] = [parseCron(text, '/cron'), zoneOf(name)!];
          const next = nextSlot(cron, zone, after)!;
          expect(next).to.be.greaterThan(after);
          expect(next % 1_000).to.equal(0);
          // None lies between, and none is found twice.
          const within = after + Math.floor((next - 1 - after) * part);
          expect(nextSlot(cron, zone, within)).to.equal(next);
          expect(nextSlot(cron, zone, next)).to.be.greaterThan(next);
        },
      ),
      { numRuns: 150 },
    );
  });

  const refused: [string, RegExp][] = [
    ['* * * *', /expected 5 fields .* not 4/],
    ['', /expected 5 fields/],
    ['60 * * * *', /minute "60": expected .* of 0 to 59/],
    ['* 24 * * *', /hour "24"/],
    ['* * 0 * *', /day of month "0": .* or L/],
    ['* * * 13 *', /month "13": .* JAN to DEC/],
    ['* * * * 8', /day of week "8"/],
    ['* * * * FOO', /day of week "FOO"/],
    ['*/0 * * * *', /minute "\*\/0": a step is at least 1/],
    ['* 22-2 * * *', /hour "22-2": 22 comes after 2/],
    ['61 * * * * *', /second "61"/],
    ['1,,2 * * * *', /minute ""/],
    ['* * W * *', /day of month "W"/],
    ['@reboot', /"@reboot" is none of @yearly/],
    ['@constructor', /none of/],
    ['-5 * * * *', /minute "-5"/],
    ['1e1 * * * *', /minute "1e1"/],
  ];
  for (const [text, message] of refused) {
    it(`refuses "${text}"`, () => {
      expect(() => parseCron(text, '/cron')).to.throw(InterlockError, message);
    });
  }

  it('finds no slot for a day that never comes, nor a zone that does not exist', () => {
    expect(nextSlot(parseCron('0 0 30 2 *', '/cron'), zoneOf('UTC')!, Date.UTC(2026, 0))).to.equal(undefined);
    expect(nextSlot(parseCron('* * 31 4,6 *', '/cron'), zoneOf('UTC')!, Date.UTC(2026, 0))).to.equal(undefined);
    expect(zoneOf('Europe/Atlantis')).to.equal(undefined);
  });

  it('tells the local time with its offset', () => {
    expect(localTime(zoneOf('Europe/Berlin')!, Date.UTC(2026, 2, 29, 1))).to.equal('2026-03-29T03:00:00+02:00');
    expect(localTime(zoneOf('America/New_York')!, Date.UTC(2026, 0, 1))).to.equal('2025-12-31T19:00:00-05:00');
    expect(localTime(zoneOf('Asia/Kolkata')!, Date.UTC(2026, 0, 1))).to.equal('2026-01-01T05:30:00+05:30');
  });
});
