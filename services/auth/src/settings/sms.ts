import { z } from 'zod';

/** Who delivers messages; `log` keeps them in memory, for development. */
const provider = z.discriminatedUnion('name', [
  z.strictObject({ name: z.literal('log') }),
  z.strictObject({
    name: z.literal('twilio'),
    accountSid: z.string(),
    authToken: z.string(),
    messageServiceSid: z.string(),
    contentSid: z.string().optional(),
    url: z.string().default('https://api.twilio.com'),
  }),
  z.strictObject({
    name: z.literal('twilio_verify'),
    accountSid: z.string(),
    authToken: z.string(),
    messageServiceSid: z.string(),
    url: z.string().default('https://verify.twilio.com'),
  }),
  z.strictObject({
    name: z.literal('messagebird'),
    accessKey: z.string(),
    originator: z.string(),
    url: z.string().default('https://rest.messagebird.com'),
  }),
  z.strictObject({
    name: z.literal('textlocal'),
    apiKey: z.string(),
    sender: z.string(),
    url: z.string().default('https://api.textlocal.in'),
  }),
  z.strictObject({
    name: z.literal('vonage'),
    apiKey: z.string(),
    apiSecret: z.string(),
    from: z.string(),
    url: z.string().default('https://rest.nexmo.com'),
  }),
]);

export type SmsProviderSettings = z.output<typeof provider>;

export const smsSettings = z
  .strictObject({
    provider: provider.default({ name: 'log' }),
    timeoutSeconds: z.number().positive().default(10),
  })
  .prefault({});
