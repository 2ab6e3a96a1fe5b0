import { Type } from 'typebox';

export const KeyHeader = {
  'idempotency-key': Type.Optional(
    Type.String({
      pattern: '^[!-~]{1,255}$',
      description: 'The same key and body give the same task. 1 to 255 visible ASCII characters.',
    }),
  ),
};
