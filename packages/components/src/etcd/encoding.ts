import type { EtcdKeyValue } from '../clients.js';
import { type Fields, text } from '../narrow.js';
import type { JsonObject } from '../plan.js';

/** A key with its value as the JSON gateway shows it: base64, 64-bit numbers as text, zero values left out. */
export function keyValue(answer: Fields): EtcdKeyValue {
  return {
    key: decode(answer.key),
    value: decode(answer.value),
    modRevision: text(answer.mod_revision) ?? '0',
    lease: text(answer.lease) ?? '0',
  };
}

/** All keys from `prefix` up to, not including, its successor: the prefix with its last byte counted up. */
export function prefixRange(prefix: string): JsonObject {
  if (prefix === '') throw new RangeError('An empty prefix would mean every key there is.');
  const end = Buffer.from(prefix);
  // UTF-8 has no byte 0xff, so there is nothing to carry.
  end.writeUInt8(end.readUInt8(end.length - 1) + 1, end.length - 1);
  return { key: encode(prefix), range_end: end.toString('base64') };
}

export function encode(value: string): string {
  return Buffer.from(value).toString('base64');
}

export function decode(value: unknown): string {
  return Buffer.from(text(value) ?? '', 'base64').toString('utf8');
}
