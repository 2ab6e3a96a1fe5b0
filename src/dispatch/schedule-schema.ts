const interval = {
  type: ['number', 'string'],
  maxLength: 64,
  description: 'Seconds, at least 1, or an ISO 8601 duration as PT30S.',
} as const;

const PROPERTIES = {
  name: { type: 'string', pattern: '^[A-Za-z0-9_.:-]{1,100}$' },
  task: { $ref: 'SubmitBody#' },
  interval,
  anchor: {
    type: 'string',
    format: 'date-time',
    description: 'Slots lie on anchor + n × interval; at once without one.',
  },
  cron: {
    type: 'string',
    maxLength: 200,
    description: 'Minute, hour, day of month, month, day of week; seconds may stand before them. Or a word as @daily.',
  },
  timezone: { type: 'string', maxLength: 64, description: 'Of cron, as Europe/Berlin; UTC without one.' },
  iso8601: {
    type: 'string',
    maxLength: 100,
    description: 'A repeating interval, as R5/2026-01-01T00:00:00Z/PT1H; without a number after R it has no end.',
  },
  misfire: {
    type: 'string',
    enum: ['one', 'all', 'skip'],
    description: 'Slots that passed while no beat was up: the last one, each of them, or none.',
  },
  overlap: {
    type: 'string',
    enum: ['allow', 'skip', 'cancel'],
    description:
      'A slot while the task of the one before is open: it runs too, makes no task, or the other one is cancelled first.',
  },
  failureThreshold: { type: 'integer', minimum: 1, maximum: 100, description: 'So many failed runs in a row pause it.' },
  remainingRuns: { type: 'integer', minimum: 1, maximum: 1_000_000_000, description: 'So many slots make a task, no more.' },
} as const;

/** `POST /schedules`, as it is served and checked. */
export const SCHEDULE_BODY = {
  type: 'object',
  required: ['name', 'task'],
  additionalProperties: false,
  properties: PROPERTIES,
} as const;

const orNull = <T extends { type: string }>(schema: T) => ({ ...schema, type: [schema.type, 'null'] as const });

/** `PATCH /schedules/{id}`: what is not given stays, and null takes a limit away. */
export const SCHEDULE_CHANGE = {
  type: 'object',
  minProperties: 1,
  additionalProperties: false,
  properties: {
    ...PROPERTIES,
    failureThreshold: orNull(PROPERTIES.failureThreshold),
    remainingRuns: orNull(PROPERTIES.remainingRuns),
  },
} as const;
