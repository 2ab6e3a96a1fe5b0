import { defineTask } from 'interlock';
import { Type } from 'typebox';

/** The mail service takes three messages a second for each sender, from however many workers. */
export const sendMail = defineTask({
  name: 'send-mail',
  input: Type.Object({ sender: Type.String(), to: Type.String() }),
  rateLimit: '3/s',
  rateKey: ({ sender }) => `mail:${sender}`,
  handler: ({ to }) => ({ sent: to }),
});
