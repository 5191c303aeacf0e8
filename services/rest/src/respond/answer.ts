import { gucHeadersError, gucStatusError } from '../errors/request-errors.js';

/** What is sent. */
export interface Answer {
  readonly status: number;
  readonly headers: readonly Header[];
  /** Undefined: there is none. */
  readonly body: string | Buffer | undefined;
  /** Of the status line; undefined: the usual one. */
  readonly statusText?: string | undefined;
}

/** Name and value; a name may come twice. */
export type Header = readonly [string, string];

/** The answer with what the transaction set in `response.status` and `response.headers`. Throws PGRST111 and 112. */
export function withSettings(
  answer: Answer,
  { status, headers }: { readonly status: string | undefined; readonly headers: string | undefined },
): Answer {
  if (status === undefined && headers === undefined) return answer;
  const own = headers === undefined ? [] : readHeaders(headers);
  const names = new Set(own.map(([name]) => name.toLowerCase()));
  return {
    status: status === undefined ? answer.status : readStatus(status),
    headers: [...answer.headers.filter(([name]) => !names.has(name.toLowerCase())), ...own],
    body: answer.body,
  };
}

function readStatus(text: string): number {
  const digits = /^\d{1,6}/.exec(text)?.[0];
  const status = Number(digits);
  if (digits === undefined || status < 100 || status > 999) throw gucStatusError();
  return status;
}

const headerName = /^[\w!#$%&'*+.^`|~-]+$/;
// Anything but controls; Node refuses those, and they could end the header.
const headerValue = /^[\t\x20-\x7e\x80-\xff]*$/;

function readHeaders(text: string): readonly Header[] {
  let list: unknown;
  try {
    list = JSON.parse(text);
  } catch {
    throw gucHeadersError();
  }
  if (!Array.isArray(list)) throw gucHeadersError();
  return list.map((item: unknown): Header => {
    if (typeof item !== 'object' || item === null) throw gucHeadersError();
    const [entry, ...others] = Object.entries(item);
    if (entry === undefined || others.length > 0) throw gucHeadersError();
    const [name, value] = entry;
    if (typeof value !== 'string' || !headerName.test(name)) throw gucHeadersError();
    // Headers travel as bytes.
    const bytes = Buffer.from(value, 'utf8').toString('latin1');
    if (!headerValue.test(bytes)) throw gucHeadersError();
    return [name, bytes];
  });
}
