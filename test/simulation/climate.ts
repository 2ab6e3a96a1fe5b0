/** How often a call meets with what, as probabilities. */
export interface Climate {
  /** The request never arrives. */
  lostRequest: number;
  /** It was carried out, but the answer never arrives. */
  lostReply: number;
  /** The caller has given up when the request is carried out. */
  lands: number;
  /** Slow, by about `slowMs`. */
  slow: number;
  slowMs: number;
  /** The server says no for a passing reason (an election). */
  refused: number;
  /** A write that its adapter repeats arrives twice. */
  twice: number;
  /** A submission is slow on its way there, by about `slowInsertMs`: beyond the deadline of its caller it lands late. */
  slowInsert: number;
  slowInsertMs: number;
  /** The resource manager's question for new numbers is slow on its way there, by about 100 ms. */
  slowRange: number;
}

export const CALM: Climate = {
  lostRequest: 0,
  lostReply: 0,
  lands: 0,
  slow: 0,
  slowMs: 0,
  refused: 0,
  twice: 0,
  slowInsert: 0,
  slowInsertMs: 0,
  slowRange: 0,
};
