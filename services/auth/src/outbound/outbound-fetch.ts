import { lookup as lookUp } from 'node:dns';
import { request as httpRequest, type IncomingMessage } from 'node:http';
import { request as httpsRequest } from 'node:https';
import type { LookupFunction } from 'node:net';
import { rootCertificates } from 'node:tls';
import { timeLimit } from '@holdfast/spec';
import type { OutboundSettings } from '../settings/extended.js';
import { isInnerAddress, judgeUrl, type Trust } from './judge-address.js';

/** Bytes of an answer; discovery documents, key sets and profiles are far smaller. */
const largestAnswer = 1024 * 1024;

export class OutboundError extends Error {
  constructor(message: string, cause?: unknown) {
    super(message, cause === undefined ? undefined : { cause });
    this.name = 'OutboundError';
  }
}

export interface OutboundRequest {
  readonly method?: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string;
  readonly signal: AbortSignal;
}

export type OutboundFetch = (url: string, request: OutboundRequest) => Promise<Response>;

/**
 * A fetch within bounds: https (http on this machine for operators' URLs), no redirects, answers up to 1 MiB, a time limit, and for strangers'
 * URLs no private addresses. The name is looked up once and the connection goes to the very address that was judged, so that DNS cannot change
 * its mind in between. Rejects with OutboundError.
 */
export function outboundFetch(settings: OutboundSettings, trust: Trust): OutboundFetch {
  const allowInner = trust === 'operator' || settings.privateAddresses;
  const ca = settings.ca === undefined ? undefined : [...rootCertificates, settings.ca];
  return async (text, { method = 'GET', headers = {}, body, signal }) => {
    const fault = judgeUrl(text, trust, allowInner);
    if (fault !== undefined) throw new OutboundError(fault);
    const url = new URL(text);
    const limit = timeLimit(signal, settings.timeoutSeconds * 1000);
    return await new Promise<Response>((resolve, reject) => {
      const send = url.protocol === 'https:' ? httpsRequest : httpRequest;
      const sent = send(
        url,
        {
          method,
          headers: { 'user-agent': 'Holdfast', 'accept-encoding': 'identity', ...headers },
          lookup: allowInner ? lookUp : outerLookup,
          signal: limit,
          agent: false,
          ...(ca === undefined ? {} : { ca }),
        },
        (answer) => {
          readAnswer(answer).then(resolve, reject);
        },
      );
      sent.on('error', (error) => reject(new OutboundError(`no answer from ${url.host}`, error)));
      sent.end(body);
    });
  };
}

/** Leaves only addresses of the internet; with none left, the connection fails. */
const outerLookup: LookupFunction = (hostname, options, callback) => {
  lookUp(hostname, { ...options, all: true }, (error, addresses) => {
    if (error !== null) return callback(error, '', 0);
    const outer = addresses.filter(({ address }) => !isInnerAddress(address));
    const [first] = outer;
    if (first === undefined) return callback(new Error(`${hostname} leads to a private address`), '', 0);
    return options.all === true ? callback(null, outer) : callback(null, first.address, first.family);
  });
};

async function readAnswer(answer: IncomingMessage): Promise<Response> {
  const status = answer.statusCode ?? 502;
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of answer) {
    const bytes = Buffer.from(chunk);
    size += bytes.length;
    if (size > largestAnswer) {
      answer.destroy();
      throw new OutboundError('the answer is larger than 1 MiB');
    }
    chunks.push(bytes);
  }
  const headers = new Headers();
  for (let index = 0; index + 1 < answer.rawHeaders.length; index += 2) {
    headers.append(answer.rawHeaders[index] ?? '', answer.rawHeaders[index + 1] ?? '');
  }
  const hasBody = ![101, 204, 205, 304].includes(status) && status >= 200;
  return new Response(hasBody ? Buffer.concat(chunks) : null, { status: status >= 200 ? status : 502, headers });
}

/** The JSON that a URL answers. Rejects with OutboundError unless the status is 2xx. Neither address nor body is in the error. */
export async function fetchJson(fetch: OutboundFetch, url: string, request: OutboundRequest): Promise<unknown> {
  const answer = await fetch(url, { ...request, headers: { accept: 'application/json', ...request.headers } });
  if (!answer.ok) throw new OutboundError(`${new URL(url).host} answered ${answer.status}`);
  try {
    return await answer.json();
  } catch (error) {
    throw new OutboundError(`${new URL(url).host} did not answer JSON`, error);
  }
}
