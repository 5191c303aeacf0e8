import type { FastifyReply, FastifyRequest } from 'fastify';
import { validationFailed } from '../errors.js';
import { queryValue } from './parse-body.js';

export interface Page {
  /** From 1. */
  readonly page: number;
  readonly perPage: number;
  readonly offset: number;
}

/** `page` and `per_page`, at most 1000 of them. 400 validation_failed where one is no number. */
export function readPage(request: FastifyRequest): Page {
  const page = number(queryValue(request, 'page'), 1, 'page');
  const perPage = Math.min(number(queryValue(request, 'per_page'), 50, 'per_page'), 1000);
  return { page, perPage, offset: (page - 1) * perPage };
}

function number(text: string, fallback: number, name: string): number {
  if (text === '') return fallback;
  if (!/^\d{1,9}$/.test(text)) throw validationFailed(`Bad Pagination Parameters: ${name} must be a number`);
  return Math.max(1, Number(text));
}

/** The headers `Link` (next and last) and `X-Total-Count`, which clients read. */
export function sendPage(reply: FastifyReply, path: string, { page, perPage }: Page, total: number): void {
  const last = Math.max(1, Math.ceil(total / perPage));
  const link = (to: number, rel: string) => `<${path}?page=${to}&per_page=${perPage}>; rel="${rel}"`;
  const links = page < last ? [link(page + 1, 'next'), link(last, 'last')] : [link(last, 'last')];
  reply.header('link', links.join(', ')).header('x-total-count', String(total));
}
