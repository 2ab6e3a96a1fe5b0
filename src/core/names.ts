/** Of queues of tasks: part of the name of a queue of the broker, with a prefix of up to 40 characters; AMQP allows 255 bytes. */
export const QUEUE_NAME = /^[A-Za-z0-9_.-]{1,64}$/;
/** Of processes: part of the name of a folder too. */
export const PROCESS_NAME = /^[A-Za-z0-9_@:-][A-Za-z0-9_.@:-]{0,199}$/;
