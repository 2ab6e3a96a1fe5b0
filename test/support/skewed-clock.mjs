// Preloaded into a process: its wall clock is off as the JSON in the file of SKEWED_CLOCK_FILE says, which may change while it runs. Its monotonic clock is
// left alone, as a clock that is set leaves it. `offsetMs` is added; `rate` is how fast the clock runs, from the moment on when that was read.
import { readFileSync } from 'node:fs';
import { setInterval } from 'node:timers';

const file = process.env.SKEWED_CLOCK_FILE;
const LOOK_MS = 20;
const RealDate = Date;
const realNow = RealDate.now;
let set = { offsetMs: 0, rate: 1, since: realNow() };

function look() {
  try {
    const { offsetMs = 0, rate = 1 } = JSON.parse(readFileSync(file, 'utf8'));
    if (offsetMs !== set.offsetMs || rate !== set.rate) set = { offsetMs, rate, since: realNow() };
  } catch {
    // It is being written.
  }
}

const skewedNow = () => Math.round(realNow() + set.offsetMs + (realNow() - set.since) * (set.rate - 1));

if (file) {
  globalThis.Date = class Date extends RealDate {
    constructor(...args) {
      super(...(args.length === 0 ? [skewedNow()] : args));
    }

    static now() {
      return skewedNow();
    }
  };
  look();
  setInterval(look, LOOK_MS).unref();
}
