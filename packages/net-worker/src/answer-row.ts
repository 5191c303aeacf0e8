import type { ClaimedRequest, Outcome } from './claimed-request.js';

/** A row for net._http_response, under the claim that it belongs to. */
export interface AnswerRow {
  readonly id: string;
  readonly token: string;
  readonly status_code: number | null;
  readonly content_type: string | null;
  readonly headers: Readonly<Record<string, string>> | null;
  readonly content: string | null;
  readonly timed_out: boolean;
  readonly error_msg: string | null;
}

/** As pg_net fills it: of a header that comes twice the last one, no content for an empty body. Pure. */
export function answerRow({ id, token }: Pick<ClaimedRequest, 'id' | 'token'>, outcome: Outcome): AnswerRow {
  if (outcome.kind === 'failed') {
    const error_msg = storable(outcome.message).slice(0, 2000);
    const nothing = { status_code: null, content_type: null, headers: null, content: null };
    return { id, token, ...nothing, timed_out: outcome.timedOut, error_msg };
  }
  const { status, rawHeaders, body } = outcome;
  const pairs: [string, string][] = [];
  for (let at = 0; at + 1 < rawHeaders.length; at += 2)
    pairs.push([storable(rawHeaders[at] ?? ''), storable(rawHeaders[at + 1] ?? '')]);
  const contentType = pairs.findLast(([name]) => name.toLowerCase() === 'content-type')?.[1] ?? null;
  return {
    id,
    token,
    status_code: status,
    content_type: contentType,
    headers: Object.fromEntries(pairs),
    content: body.length === 0 ? null : storable(decode(body, contentType)),
    timed_out: false,
    error_msg: null,
  };
}

/** In the charset that the answer names if it is a known one, else UTF-8; what is neither becomes U+FFFD. */
function decode(body: Buffer, contentType: string | null): string {
  const charset = /;\s*charset="?([^";\s]+)/i.exec(contentType ?? '')?.[1] ?? 'utf-8';
  try {
    return new TextDecoder(charset, { ignoreBOM: true }).decode(body);
  } catch {
    return new TextDecoder('utf-8', { ignoreBOM: true }).decode(body);
  }
}

/** PostgreSQL's text holds no NUL and no half of a surrogate pair. */
function storable(text: string): string {
  return text.replace(/[\0\p{Surrogate}]/gu, '\uFFFD');
}
