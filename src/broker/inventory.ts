/** What stands at the broker, as far as AMQP tells: for the record of a backup. Nothing is ever made from it; hints are made anew from the database. */
export interface BrokerInventory {
  server: string;
  prefix: string;
  exchanges: { name: string; type: string; durable: boolean }[];
  /** `messages` and `consumers` are null where there is no such queue. */
  queues: {
    name: string;
    arguments: Record<string, string | number>;
    boundTo: string;
    messages: number | null;
    consumers: number | null;
  }[];
  /** What AMQP does not show. */
  notCaptured: string[];
}
