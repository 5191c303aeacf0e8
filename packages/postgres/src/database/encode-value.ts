/** A parameter as PostgreSQL's text, or as bytes for `bytea`; null and undefined are NULL. Arrays become array literals, other objects JSON. Pure. */
export function encodeValue(value: unknown): string | Buffer | null {
  if (typeof value === 'string') return value;
  if (value === null || value === undefined) return null;
  if (Buffer.isBuffer(value)) return value;
  if (ArrayBuffer.isView(value)) return Buffer.from(value.buffer, value.byteOffset, value.byteLength);
  if (value instanceof Date) return value.toISOString();
  if (Array.isArray(value)) return encodeArray(value);
  if (typeof value === 'object') return JSON.stringify(value);
  return String(value);
}

/** PostgreSQL manual, 8.15.6: every element in double quotes but NULL. */
function encodeArray(values: readonly unknown[]): string {
  return `{${values.map(encodeElement).join(',')}}`;
}

function encodeElement(value: unknown): string {
  if (value === null || value === undefined) return 'NULL';
  if (Array.isArray(value)) return encodeArray(value);
  const encoded = encodeValue(value);
  const text = Buffer.isBuffer(encoded) ? `\\x${encoded.toString('hex')}` : (encoded ?? '');
  return `"${text.replaceAll('\\', '\\\\').replaceAll('"', '\\"')}"`;
}
