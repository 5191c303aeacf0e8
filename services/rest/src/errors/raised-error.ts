import { RestError } from './rest-error.js';

/**
 * RAISE SQLSTATE 'PGRST': MESSAGE is the body as JSON, DETAIL the status and headers. What is not as agreed becomes PGRST121, which says what is wrong
 * (PostgREST's docs: errors, "RAISE errors with HTTP Status Codes").
 */
export function raisedError(message: string, detail: string | undefined, cause: unknown): RestError {
  const body = readMessage(message);
  if (body === undefined) {
    return unreadable(
      `Invalid JSON value for MESSAGE: '${message}'`,
      "MESSAGE must be a JSON object with obligatory keys: 'code', 'message' and optional keys: 'details', 'hint'.",
      cause,
    );
  }
  if (detail === undefined) return unreadable('DETAIL is missing in the RAISE statement', detailHint, cause);
  const answer = readDetail(detail);
  if (answer === undefined) {
    return unreadable(`Invalid JSON value for DETAIL: '${detail}'`, detailHint, cause);
  }
  return new RestError({ ...body, ...answer, cause });
}

const detailHint =
  "DETAIL must be a JSON object with obligatory keys: 'status', 'headers' and optional key: 'status_text'.";

function unreadable(details: string, hint: string, cause: unknown): RestError {
  const message = `Could not parse JSON in the "RAISE SQLSTATE 'PGRST'" error`;
  return new RestError({ status: 500, code: 'PGRST121', message, details, hint, cause });
}

function parseObject(text: string): Readonly<Record<string, unknown>> | undefined {
  try {
    const value: unknown = JSON.parse(text);
    if (typeof value !== 'object' || value === null || Array.isArray(value)) return undefined;
    return value as Readonly<Record<string, unknown>>;
  } catch {
    return undefined;
  }
}

function isOptionalText(value: unknown): value is string | null | undefined {
  return value === undefined || value === null || typeof value === 'string';
}

function readMessage(text: string) {
  const object = parseObject(text);
  if (object === undefined) return undefined;
  const { code, message, details, hint } = object;
  if (typeof code !== 'string' || typeof message !== 'string') return undefined;
  if (!isOptionalText(details) || !isOptionalText(hint)) return undefined;
  return { code, message, details: details ?? null, hint: hint ?? null };
}

/** RFC 9110: field names are tokens, values have no control characters. */
const fieldName = /^[!#$%&'*+.^`|~\w-]+$/;
const fieldValue = /^[\t\x20-\x7e\x80-\xff]*$/;

function readDetail(text: string) {
  const object = parseObject(text);
  if (object === undefined) return undefined;
  const { status, headers, status_text: statusText } = object;
  if (typeof status !== 'number' || !Number.isInteger(status) || status < 200 || status > 999) return undefined;
  if (!isOptionalText(statusText) || typeof headers !== 'object' || headers === null) return undefined;
  const fields: (readonly [string, string])[] = [];
  for (const [name, value] of Object.entries(headers)) {
    if (typeof value !== 'string' || !fieldName.test(name) || !fieldValue.test(value)) return undefined;
    fields.push([name, value]);
  }
  const reason = statusText !== null && statusText !== undefined && fieldValue.test(statusText) ? { statusText } : {};
  return { status, headers: fields, ...reason };
}
