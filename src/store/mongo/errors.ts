import {
  BSON,
  MongoBulkWriteError,
  MongoError,
  MongoInvalidArgumentError,
  MongoServerError,
  MongoServerSelectionError,
} from 'mongodb';
import { InterlockError, StoreError } from '../../core/errors.js';

/** The driver is still busy, but the caller is not kept waiting any longer. The command may land all the same. */
export class LateError extends Error {
  constructor(ms: number) {
    super(`no answer within ${ms} ms`);
    this.name = 'LateError';
  }
}

const OURS = [InterlockError, TypeError, RangeError, ReferenceError, BSON.BSONError];
const DUPLICATE_KEY = 11_000;
const MAX_TIME_EXPIRED = 50;
/** Unauthorized, AuthenticationFailed: the server looked at the user before it looked at the command. */
const NEVER_EXECUTED = new Set<unknown>([13, 18]);

/**
 * Every error of driver and server leaves the adapter as a StoreError, also a bare socket error (`write ECONNRESET`), which the driver
 * sometimes lets through. A value that BSON cannot hold and a bug of ours are given back as they are.
 */
export function translated(error: unknown, what: string, outcome: StoreError['outcome']): unknown {
  if (!(error instanceof Error) || OURS.some(kind => error instanceof kind)) return error;
  return new StoreError(`MongoDB, ${what}: ${error.message}`, outcome, error);
}

/** Whether it is certain that a write that failed like this never touched a record. `sentOnce`: the driver does not retry it. */
export function certainlyNotWritten(error: unknown, sentOnce: boolean): boolean {
  if (!(error instanceof MongoError)) return false;
  if (error.hasErrorLabel('NoWritesPerformed') || NEVER_EXECUTED.has(error.code)) return true;
  // A selection error may also end the driver's retry of a command whose first reply was lost.
  return sentOnce && (error instanceof MongoServerSelectionError || error.name === 'MongoWaitQueueTimeoutError');
}

export function isDuplicateKey(error: unknown): boolean {
  return error instanceof MongoServerError && error.code === DUPLICATE_KEY;
}

/** BadValue, FailedToParse, TypeMismatch, BSONObjectTooLarge, and the same of an update's outcome. */
const BAD_DATA = new Set<unknown>([2, 9, 14, 10_334, 17_419, 17_420]);
const TOO_LARGE = new Set<unknown>([10_334, 17_419, 17_420]);
/** Assertions of pipelines about the data at hand have five digits; so have a few states of a server. */
const FIRST_ASSERTION = 15_000;

/** What failed because of the data, and will fail again: of a batch, because of one document in it. */
export function isBadData(error: unknown): boolean {
  if (error instanceof StoreError) return isBadData(error.cause);
  if (error instanceof MongoServerError) return BAD_DATA.has(error.code) || Number(error.code) >= FIRST_ASSERTION;
  return error instanceof MongoInvalidArgumentError || error instanceof BSON.BSONError || error instanceof RangeError;
}

export function isTooLarge(error: unknown): boolean {
  if (error instanceof StoreError) return isTooLarge(error.cause);
  return !(error instanceof MongoServerError) || TOO_LARGE.has(error.code);
}

/** The server gave up after `maxTimeMS`. */
export function isTimeLimit(error: unknown): boolean {
  return error instanceof MongoServerError && error.code === MAX_TIME_EXPIRED;
}

export function isTransient(error: unknown): boolean {
  return error instanceof MongoError && error.hasErrorLabel('TransientTransactionError');
}

/**
 * Whether a grouped insert failed for duplicates alone: then every other document is stored. Any other write error makes
 * all of it unclear, and so does a write-concern error, which hides duplicates and may take back the rest.
 */
export function onlyDuplicates(error: unknown): boolean {
  if (!(error instanceof MongoBulkWriteError) || error.result.getWriteConcernError() !== undefined) return false;
  const errors = [error.writeErrors].flat();
  return errors.length > 0 && errors.every(each => each.code === DUPLICATE_KEY);
}
