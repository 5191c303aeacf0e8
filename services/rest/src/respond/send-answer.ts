import type { IncomingMessage, ServerResponse } from 'node:http';
import { compressFor } from '@holdfast/http';
import type { Answer } from './answer.js';

/** In one write where the body is text. A client that is gone gets nothing. */
export async function sendAnswer(
  request: IncomingMessage,
  response: ServerResponse,
  { status, headers, body, statusText }: Answer,
): Promise<void> {
  if (response.destroyed) return;
  response.statusCode = status;
  if (statusText !== undefined) response.statusMessage = statusText;
  const cookies: string[] = [];
  for (const [name, value] of headers) {
    if (name.length === 10 && name.toLowerCase() === 'set-cookie') cookies.push(value);
    else response.setHeader(name, value);
  }
  if (cookies.length > 0) response.setHeader('set-cookie', cookies);
  if (body === undefined) {
    response.end();
    return;
  }
  const packing = compressFor(response, body, request.headers['accept-encoding']);
  const sent = packing === undefined ? body : await packing;
  if (request.method === 'HEAD') response.setHeader('content-length', Buffer.byteLength(sent));
  // Node counts the bytes itself where the whole body is given at once.
  response.end(sent);
}
