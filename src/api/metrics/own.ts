import type { FastifyReply, FastifyRequest } from 'fastify';
import { Counter, Gauge, Histogram, type Registry } from 'prom-client';

import { boundedLabel, MAX_TYPES, processMetrics } from '../../process/metrics.js';

/** From a read of one task on a near database to the longest that a client waits. */
const BUCKETS = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10];

/** What may be too much. */
const LIMIT_NAMES = ['rate', 'in-flight', 'body', 'open-tasks'] as const;
type LimitName = (typeof LIMIT_NAMES)[number];

/** What this API alone knows. */
export class OwnMetrics {
  readonly registry: Registry;
  readonly #accepted: Counter<'task'>;
  readonly #durations: Histogram<'method' | 'route' | 'status'>;
  readonly #refused: Counter<'limit'>;
  readonly #inFlight: Gauge;
  readonly #database: Gauge;
  readonly #broker: Gauge;
  readonly #typeLabel = boundedLabel(MAX_TYPES);
  #requests: () => number = () => 0;

  constructor(versions: { interlock: string; node: string }) {
    this.registry = processMetrics(versions);
    const registers = [this.registry];
    this.#accepted = new Counter({
      name: 'interlock_api_tasks_accepted_total',
      help: `Tasks that this API stored, by type; types beyond the first ${MAX_TYPES} are other.`,
      labelNames: ['task'],
      registers,
    });
    this.#durations = new Histogram({
      name: 'interlock_http_request_duration_seconds',
      help: 'Answers of this API, without event streams and without those that were asked to wait.',
      labelNames: ['method', 'route', 'status'],
      buckets: BUCKETS,
      registers,
    });
    this.#refused = new Counter({
      name: 'interlock_http_requests_refused_total',
      help: 'Requests that this API refused because there was too much, by the limit that was met: rate, in-flight, body or open-tasks.',
      labelNames: ['limit'],
      registers,
    });
    for (const limit of LIMIT_NAMES) this.#refused.inc({ limit }, 0);
    this.#inFlight = new Gauge({
      name: 'interlock_http_requests_in_flight',
      help: 'Requests that this API is answering, without event streams and those that wait for a task.',
      registers,
    });
    this.#database = new Gauge({ name: 'interlock_database_up', help: '1 when MongoDB answered this API.', registers });
    this.#broker = new Gauge({ name: 'interlock_broker_up', help: '1 while this API is connected to RabbitMQ.', registers });
  }

  accepted(type: string): void {
    this.#accepted.inc({ task: this.#typeLabel(type) });
  }

  refused(limit: LimitName): void {
    this.#refused.inc({ limit });
  }

  /** Asked when somebody reads. */
  observeInFlight(requests: () => number): void {
    this.#requests = requests;
  }

  /** By route, not by path: what is in a path is without a bound. */
  answered(request: FastifyRequest, reply: FastifyReply): void {
    if (isWaiting(request, reply)) return;
    const { method, routeOptions } = request;
    const labels = { method, route: routeOptions.url ?? 'none', status: `${Math.floor(reply.statusCode / 100)}xx` };
    this.#durations.observe(labels, reply.elapsedTime / 1_000);
  }

  text(up: { database: boolean; broker: boolean }): Promise<string> {
    this.#inFlight.set(this.#requests());
    this.#database.set(up.database ? 1 : 0);
    this.#broker.set(up.broker ? 1 : 0);
    return this.registry.metrics();
  }
}

/** What a client asked for is no delay of ours. */
function isWaiting({ headers }: FastifyRequest, reply: FastifyReply): boolean {
  const type = reply.getHeader('content-type');
  return typeof headers.prefer === 'string' || (typeof type === 'string' && type.startsWith('text/event-stream'));
}
