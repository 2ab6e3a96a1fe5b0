/** Something of that name exists on the broker with other properties. Only an operator can decide what becomes of it. */
export class TopologyConflict extends Error {
  constructor(brokerText: string, cause: unknown) {
    super(describe(brokerText), { cause });
    this.name = 'TopologyConflict';
  }
}

/** Turns the broker's 406 into a `TopologyConflict`; any other error passes as it is. */
export async function asConflict<T>(declaring: Promise<T>): Promise<T> {
  try {
    return await declaring;
  } catch (error) {
    if (error instanceof Error && /\b406\b|PRECONDITION.FAILED/.test(error.message))
      throw new TopologyConflict(error.message, error);
    throw error;
  }
}

const INEQUIVALENT =
  /inequivalent arg '(.+?)' for (queue|exchange) '(.+?)' in vhost '(.+?)': received (.+?) but current is (.+?)"?$/;

function describe(brokerText: string): string {
  const [, argument = '', kind, name = '', vhost = '', ours = '', theirs = ''] = INEQUIVALENT.exec(brokerText) ?? [];
  if (kind === undefined) return `RabbitMQ refuses a declaration: ${brokerText}`;
  return (
    `RabbitMQ already has a ${kind} "${name}" whose ${argument} differs: it is ${theirs}, Interlock needs ${ours}. ` +
    `Remove it with \`${removal(kind, name, vhost)}\` and start again: hints are rebuilt from the records. ` +
    'Or give this deployment a vhost or a name prefix of its own.'
  );
}

function removal(kind: string, name: string, vhost: string): string {
  if (kind === 'queue') return `rabbitmqctl delete_queue -p '${vhost}' '${name}'`;
  return `rabbitmqadmin --vhost='${vhost}' delete exchange name='${name}'`;
}
