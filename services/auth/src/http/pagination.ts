import type { FastifyReply, FastifyRequest } from 'fastify';
import { validationFailed } from '../errors.js';
import { queryValue } from './parse-body.js';

export interface Page {
  /** Counted from 1. */
  readonly page: number;
  readonly perPage: number;
  readonly offset: number;
}

const mostPerPage = 1000;

/** `page` and `per_page`, default 1 and 50. 400 validation_failed. */
export function readPage(request: FastifyRequest): Page {
  const page = readCount(queryValue(request, 'page'), 1);
  const perPage = readCount(queryValue(request, 'per_page'), 50);
  if (perPage === 0) throw validationFailed('Bad Pagination Parameters: per_page must be greater than 0');
  const bounded = Math.min(perPage, mostPerPage);
  return { page, perPage: bounded, offset: Math.min(Math.max(0, page - 1) * bounded, Number.MAX_SAFE_INTEGER) };
}

function readCount(text: string, fallback: number): number {
  if (text === '') return fallback;
  if (/^\d{1,15}$/.test(text)) return Number(text);
  throw validationFailed(
    `Bad Pagination Parameters: strconv.ParseUint: parsing "${text.slice(0, 40)}": invalid syntax`,
  );
}

/** X-Total-Count, and Link (RFC 8288) to the next and the last page. */
export function sendPageHeaders(
  request: FastifyRequest,
  reply: FastifyReply,
  { page, perPage }: Page,
  total: number,
): void {
  reply.header('x-total-count', String(total));
  reply.header('link', renderLinks(request.url, { page, perPage, total }));
}

/** The same for a path without further parameters. */
export function sendPage(reply: FastifyReply, path: string, page: Page, total: number): void {
  reply.header('x-total-count', String(total));
  reply.header('link', renderLinks(path, { ...page, total }));
}

export function renderLinks(
  url: string,
  page: { readonly page: number; readonly perPage: number; readonly total: number },
): string {
  const [path = '', query = ''] = url.split(/\?(.*)/s, 2);
  const pages = Math.ceil(page.total / page.perPage);
  const link = (number: number, rel: string) => {
    const parameters = new URLSearchParams(query);
    parameters.set('page', String(number));
    return `<${path}?${parameters.toString()}>; rel="${rel}"`;
  };
  const next = pages > page.page ? [link(page.page + 1, 'next')] : [];
  return [...next, link(pages, 'last')].join(', ');
}
