import { LogController, type FastifyReply, type FastifyRequest } from 'fastify';

/** One quiet line a request, with the route instead of the URL: queries may hold what belongs in no log. */
export class RequestLog extends LogController {
  override incomingRequest(): void {
    // The line at the end says it all.
  }

  override requestCompleted(_error: unknown, request: FastifyRequest, reply: FastifyReply): void {
    const fields = { status: reply.statusCode, ms: Math.round(reply.elapsedTime) };
    reply.log.debug(fields, `${request.method} ${request.routeOptions.url ?? 'no such path'}`);
  }

  /** A client that leaves while it is answered, as whoever follows events does, is nothing to tell people of. */
  override streamError(error: unknown, request: FastifyRequest, reply: FastifyReply): void {
    reply.log.debug({ err: error }, `${request.method} ${request.routeOptions.url ?? 'no such path'}: the answer broke off`);
  }
}
