import { timeLimit } from '@holdfast/spec';
import type { SmsProviderSettings } from '../settings/sms.js';
import type { SmsMessage } from './sms-sender.js';

export interface SmsRequest {
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

type Provider = Exclude<SmsProviderSettings, { readonly name: 'log' }>;

const form = 'application/x-www-form-urlencoded';

const basic = (user: string, password: string) => `Basic ${Buffer.from(`${user}:${password}`).toString('base64')}`;

/** What a provider is sent, by its own HTTP API. */
export function smsRequest(provider: Provider, { phone, text, channel, otp }: SmsMessage): SmsRequest {
  const fields = (values: Readonly<Record<string, string>>) => new URLSearchParams(values).toString();
  switch (provider.name) {
    case 'twilio': {
      const whatsapp = channel === 'whatsapp';
      const sender = provider.messageServiceSid;
      return {
        url: `${provider.url}/2010-04-01/Accounts/${encodeURIComponent(provider.accountSid)}/Messages.json`,
        headers: { 'content-type': form, authorization: basic(provider.accountSid, provider.authToken) },
        body: fields({
          To: whatsapp ? `whatsapp:+${phone}` : `+${phone}`,
          Channel: channel,
          From: whatsapp && /^\+?\d+$/.test(sender) ? `whatsapp:${sender}` : sender,
          Body: text,
          ...(provider.contentSid === undefined || !whatsapp
            ? {}
            : { ContentSid: provider.contentSid, ContentVariables: JSON.stringify({ 1: otp }) }),
        }),
      };
    }
    case 'twilio_verify':
      return {
        url: `${provider.url}/v2/Services/${encodeURIComponent(provider.messageServiceSid)}/Verifications`,
        headers: { 'content-type': form, authorization: basic(provider.accountSid, provider.authToken) },
        body: fields({ To: `+${phone}`, Channel: channel, CustomCode: otp }),
      };
    case 'messagebird':
      return {
        url: `${provider.url}/messages`,
        headers: { 'content-type': form, authorization: `AccessKey ${provider.accessKey}` },
        body: fields({
          originator: provider.originator,
          body: text,
          recipients: phone,
          type: 'sms',
          datacoding: 'unicode',
        }),
      };
    case 'textlocal':
      return {
        url: `${provider.url}/send`,
        headers: { 'content-type': form },
        body: fields({ sender: provider.sender, apikey: provider.apiKey, message: text, numbers: phone }),
      };
    case 'vonage':
      return {
        url: `${provider.url}/sms/json`,
        headers: { 'content-type': form },
        body: fields({
          from: provider.from,
          to: phone,
          text,
          api_key: provider.apiKey,
          api_secret: provider.apiSecret,
          // Vonage takes anything but GSM's alphabet as Unicode only when told.
          // biome-ignore lint/suspicious/noControlCharactersInRegex: ASCII is what GSM's alphabet surely has
          ...(/[^\x00-\x7f]/.test(text) ? { type: 'unicode' } : {}),
        }),
      };
  }
}

/** The message's id, out of the provider's answer. Throws with the provider's words where it refuses. */
export function readSmsAnswer(provider: Provider['name'], status: number, answer: unknown): string {
  const body = (answer ?? {}) as Readonly<Record<string, unknown>>;
  const text = (value: unknown) => (typeof value === 'string' || typeof value === 'number' ? String(value) : '');
  switch (provider) {
    case 'twilio':
    case 'twilio_verify':
      if (status !== 200 && status !== 201)
        throw new Error(`${text(body.message)} More information: ${text(body.more_info)}`);
      if (body.status === 'failed' || body.status === 'undelivered') {
        throw new Error(`twilio error: ${text(body.error_message)} ${text(body.error_code)}`);
      }
      return text(body.sid);
    case 'messagebird': {
      if (status !== 201) {
        const [first] = (body.errors ?? []) as readonly Readonly<Record<string, unknown>>[];
        throw new Error(`messagebird error: ${text(first?.description)} (code: ${text(first?.code)})`);
      }
      return text(body.id);
    }
    case 'textlocal': {
      const [first] = (body.messages ?? []) as readonly Readonly<Record<string, unknown>>[];
      if (body.status !== 'success') {
        const [error] = (body.errors ?? []) as readonly Readonly<Record<string, unknown>>[];
        throw new Error(`textlocal error: ${text(error?.message)} (code: ${text(error?.code)})`);
      }
      return text(first?.id);
    }
    case 'vonage': {
      const [first] = (body.messages ?? []) as readonly Readonly<Record<string, unknown>>[];
      if (status !== 200 || text(first?.status) !== '0') {
        throw new Error(`vonage error: ${text(first?.['error-text'])} (status: ${text(first?.status)})`);
      }
      return text(first?.['message-id']);
    }
  }
}

export async function sendByProvider(
  provider: Provider,
  message: SmsMessage,
  options: { readonly timeoutMilliseconds: number; readonly signal: AbortSignal },
): Promise<string> {
  const { url, headers, body } = smsRequest(provider, message);
  const signal = timeLimit(options.signal, options.timeoutMilliseconds);
  const response = await fetch(url, { method: 'POST', headers, body, redirect: 'error', signal });
  const answer: unknown = await response.json().catch(() => ({}));
  return readSmsAnswer(provider.name, response.status, answer);
}
