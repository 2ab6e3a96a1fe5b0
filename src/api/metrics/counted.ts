import type { Count } from '../../core/counts.js';

export interface CountMetric {
  name: string;
  help: string;
  /** Beside `role` and `name`: of several counts that are one metric. */
  labels?: Readonly<Record<string, string>>;
}

const ENDS = {
  name: 'interlock_task_ends_total',
  help: 'Starts whose end a worker recorded, by what became of them; retried and requeued ones may start again.',
};

const DEAD = {
  name: 'interlock_messages_dead_total',
  help: 'Messages that could not be read and went to the queue of dead letters: size, format, version (of a newer release), content.',
};

const STALE = {
  name: 'interlock_hints_stale_total',
  help: 'Messages to start a task that this worker used up for nothing, as the task had ended, or is unknown here.',
};

/** What processes count, as metrics of the process that they name. */
export const COUNTED: Readonly<Record<Count, CountMetric>> = {
  tasksAccepted: {
    name: 'interlock_tasks_accepted_total',
    help: 'Tasks that this process stored: submitted, spawned, or of a slot.',
  },
  grants: { name: 'interlock_grants_total', help: 'Tasks that were given their resources.' },
  terms: { name: 'interlock_leader_terms_total', help: 'Times that this process became leader.' },
  sweeps: { name: 'interlock_sweeps_total', help: 'Rounds of a beat.' },
  sweepStepsFailed: {
    name: 'interlock_sweep_steps_failed_total',
    help: 'Steps of such rounds that failed; the next round tries again.',
  },
  processesMissing: { name: 'interlock_processes_missing_total', help: 'Processes that this beat called missing.' },
  tasksLost: {
    name: 'interlock_tasks_lost_total',
    help: 'Running tasks whose worker was gone, and which were ended or queued again.',
  },
  tasksExpired: { name: 'interlock_tasks_expired_total', help: 'Tasks that were canceled because they had not started in time.' },
  hintsMended: {
    name: 'interlock_hints_mended_total',
    help: 'Messages that were sent again because a ready task was not started.',
  },
  hintsUnknown: { ...STALE, labels: { task: 'unknown' } },
  hintsEnded: { ...STALE, labels: { task: 'ended' } },
  starts: { name: 'interlock_task_starts_total', help: 'Starts of task bodies.' },
  completed: { ...ENDS, labels: { end: 'completed' } },
  failed: { ...ENDS, labels: { end: 'failed' } },
  canceled: { ...ENDS, labels: { end: 'canceled' } },
  skipped: { ...ENDS, labels: { end: 'skipped' } },
  retried: { ...ENDS, labels: { end: 'retried' } },
  requeued: { ...ENDS, labels: { end: 'requeued' } },
  overruled: {
    name: 'interlock_task_ends_overruled_total',
    help: 'Ends that did not count, as somebody else had ended the start.',
  },
  heartbeatsFailed: { name: 'interlock_heartbeats_failed_total', help: 'Heartbeats that the database did not take.' },
  selfFences: {
    name: 'interlock_self_fences_total',
    help: 'Times that this process gave itself up as dead and registered anew.',
  },
  brokerReconnects: { name: 'interlock_broker_reconnects_total', help: 'Connections to RabbitMQ that were lost and had again.' },
  databaseReconnects: {
    name: 'interlock_database_reconnects_total',
    help: 'Times that the primary of MongoDB was lost and found again.',
  },
  channelsReplaced: {
    name: 'interlock_broker_channels_replaced_total',
    help: 'Channels that were replaced on a living connection.',
  },
  messagesReturned: { name: 'interlock_messages_returned_total', help: 'Messages that no queue took.' },
  messagesDeferred: {
    name: 'interlock_messages_deferred_total',
    help: 'Messages that were dropped because RabbitMQ did not take them; the sweep sends them again.',
  },
  messagesOversized: { ...DEAD, labels: { reason: 'size' } },
  messagesMalformed: { ...DEAD, labels: { reason: 'format' } },
  messagesNewer: { ...DEAD, labels: { reason: 'version' } },
  messagesForeign: { ...DEAD, labels: { reason: 'content' } },
  eventsDropped: {
    name: 'interlock_events_dropped_total',
    help: 'Events for readers that could not be sent; they are told to read anew.',
  },
};
