import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { describe, expect, test } from 'vitest';
import { readSmsAnswer, sendByProvider, smsRequest } from '../src/sms/providers.js';
import type { SmsMessage } from '../src/sms/sms-sender.js';
import type { User } from '../src/store/users.js';

const message: SmsMessage = {
  phone: '4915112345',
  channel: 'sms',
  text: 'Your code is 123456',
  otp: '123456',
  user: {} as User,
};
const twilio = {
  name: 'twilio',
  accountSid: 'AC1',
  authToken: 't',
  messageServiceSid: 'MG1',
  url: 'https://api.twilio.com',
} as const;

describe('a message', () => {
  test('to Twilio', () => {
    const { url, headers, body } = smsRequest(twilio, message);
    expect(url).toBe('https://api.twilio.com/2010-04-01/Accounts/AC1/Messages.json');
    expect(headers.authorization).toBe(`Basic ${Buffer.from('AC1:t').toString('base64')}`);
    expect(Object.fromEntries(new URLSearchParams(body))).toEqual({
      To: '+4915112345',
      Channel: 'sms',
      From: 'MG1',
      Body: message.text,
    });
  });

  test('to Twilio by WhatsApp', () => {
    const { body } = smsRequest(
      { ...twilio, messageServiceSid: '+1555', contentSid: 'HX1' },
      { ...message, channel: 'whatsapp' },
    );
    expect(Object.fromEntries(new URLSearchParams(body))).toMatchObject({
      To: 'whatsapp:+4915112345',
      From: 'whatsapp:+1555',
      ContentSid: 'HX1',
      ContentVariables: '{"1":"123456"}',
    });
  });

  test.each([
    [
      { name: 'twilio_verify', accountSid: 'AC1', authToken: 't', messageServiceSid: 'VA1', url: 'https://v' },
      'https://v/v2/Services/VA1/Verifications',
      { To: '+4915112345', Channel: 'sms', CustomCode: '123456' },
    ],
    [
      { name: 'messagebird', accessKey: 'k', originator: 'me', url: 'https://m' },
      'https://m/messages',
      { originator: 'me', recipients: '4915112345', body: message.text },
    ],
    [
      { name: 'textlocal', apiKey: 'k', sender: 'me', url: 'https://t' },
      'https://t/send',
      { sender: 'me', apikey: 'k', numbers: '4915112345', message: message.text },
    ],
    [
      { name: 'vonage', apiKey: 'k', apiSecret: 's', from: 'me', url: 'https://n' },
      'https://n/sms/json',
      { from: 'me', to: '4915112345', api_key: 'k', api_secret: 's', text: message.text },
    ],
  ] as const)('to $name', (provider, url, fields) => {
    const request = smsRequest(provider, message);
    expect(request.url).toBe(url);
    expect(Object.fromEntries(new URLSearchParams(request.body))).toMatchObject(fields);
  });

  test.each([
    ['twilio', 201, { sid: 'SM1', status: 'queued' }, 'SM1'],
    ['messagebird', 201, { id: 'mb1' }, 'mb1'],
    ['textlocal', 200, { status: 'success', messages: [{ id: 'tl1' }] }, 'tl1'],
    ['vonage', 200, { messages: [{ status: '0', 'message-id': 'v1' }] }, 'v1'],
  ] as const)('that %s took has an id', (name, status, answer, id) => {
    expect(readSmsAnswer(name, status, answer)).toBe(id);
  });

  test.each([
    ['twilio', 400, { message: 'no such number', more_info: 'x' }],
    ['twilio', 201, { status: 'failed', error_message: 'no', error_code: 1 }],
    ['messagebird', 401, { errors: [{ description: 'no', code: 2 }] }],
    ['textlocal', 200, { status: 'failure', errors: [{ message: 'no', code: 3 }] }],
    ['vonage', 200, { messages: [{ status: '4', 'error-text': 'no' }] }],
    ['vonage', 500, null],
    ['messagebird', 500, undefined],
  ] as const)('that %s refused (%i) is an error', (name, status, answer) => {
    expect(() => readSmsAnswer(name, status, answer)).toThrow(Error);
  });

  test('goes by HTTP', async () => {
    const server = createServer((_, response) => {
      response.writeHead(201, { 'content-type': 'application/json' }).end('{"sid":"SM2"}');
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', () => resolve()));
    const { port } = server.address() as AddressInfo;
    const { signal } = new AbortController();
    try {
      const id = await sendByProvider({ ...twilio, url: `http://127.0.0.1:${port}` }, message, {
        timeoutMilliseconds: 5000,
        signal,
      });
      expect(id).toBe('SM2');
    } finally {
      server.closeAllConnections();
      await new Promise<void>((resolve) => server.close(() => resolve()));
    }
  });
});
