import { randomUUID } from 'node:crypto';
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Duplex } from 'node:stream';
import { type HttpServer, parseRequestId, startHttpServer } from '@holdfast/http';
import { answers, type GatewayAnswer, notThere, send, tooManyRequests } from './answers.js';
import { answerPreflight, setCorsHeaders } from './cors.js';
import { bearerOf, findKey, withoutKey } from './find-key.js';
import { isLoopback, plainAddress, setForwardedHeaders } from './forward-headers.js';
import { answerHealth } from './health.js';
import { KeyJudge } from './judge-key.js';
import { matchRoute, type Route } from './match-route.js';
import type { GatewayOptions } from './options.js';
import { RateLimit } from './rate-limit.js';
import { refuseUpgrade } from './remote-backend.js';

const bodyLimit = 50 * 1024 * 1024;

/**
 * The API's one address: looks at the key, tells the service behind who asked, and passes the request on. Disposing lets what is under way end; the
 * services are the caller's to close.
 */
export async function startGateway(options: GatewayOptions): Promise<HttpServer> {
  const gateway = new Gateway(options);
  return await startHttpServer({
    host: options.host,
    port: options.port,
    ...(options.drainMilliseconds === undefined ? {} : { drainMilliseconds: options.drainMilliseconds }),
    onRequest: (request, response) => gateway.handle(request, response),
    onUpgrade: (request, socket, head) => void gateway.upgrade(request, socket, head),
  });
}

class Gateway {
  readonly #options: GatewayOptions;
  readonly #judge: KeyJudge;
  readonly #rateLimit: RateLimit | undefined;
  readonly #knownLabels = new Map<string, Readonly<Record<string, string>>>();

  constructor(options: GatewayOptions) {
    this.#options = options;
    this.#judge = new KeyJudge(options.keys);
    const { rateLimit } = options;
    this.#rateLimit = rateLimit === undefined ? undefined : new RateLimit(rateLimit.perSecond, rateLimit.burst);
  }

  handle(request: IncomingMessage, response: ServerResponse): void {
    const { path, query } = splitUrl(request.url ?? '/');
    const requestId = parseRequestId(request.headers['x-request-id']) ?? randomUUID();
    const route = matchRoute(path);
    this.#watch(request, response, path, requestId, route);
    response.setHeader('x-request-id', requestId);
    if (route === undefined) {
      void this.#answerOwn(request, response, path);
      return;
    }
    setCorsHeaders(request, response, this.#options.allowedOrigins);
    if (answerPreflight(request, response)) return;
    this.#pass(request, response, route, query, requestId).catch((error: unknown) => {
      this.#options.log.event('failed', { id: requestId, reason: String(error) });
      if (response.headersSent) response.destroy();
      else send(response, answers.unexpected);
    });
  }

  async upgrade(request: IncomingMessage, socket: Duplex, head: Buffer): Promise<void> {
    socket.on('error', () => socket.destroy());
    const { path, query } = splitUrl(request.url ?? '/');
    const route = matchRoute(path);
    const refuse = ({ status, message }: GatewayAnswer) => refuseUpgrade(socket, status, message);
    if (route === undefined) return refuse(answers.noRoute);
    const refusal = this.#limited(request) ?? (await this.#judgeKey(request, route, query));
    if (refusal !== undefined) return refuse(refusal);
    const backend = this.#options.backends[route.service];
    if (backend?.upgrade === undefined) return refuse(notThere(route.service));
    const requestId = parseRequestId(request.headers['x-request-id']) ?? randomUUID();
    setForwardedHeaders(request, route, requestId, this.#options.trustForwarded ?? false);
    // The key stays: it is how clients of Realtime say who they are.
    request.url = query === '' ? route.path : `${route.path}?${query}`;
    backend.upgrade(request, socket, head);
  }

  async #pass(
    request: IncomingMessage,
    response: ServerResponse,
    route: Route,
    query: string,
    requestId: string,
  ): Promise<void> {
    const refusal = this.#limited(request) ?? this.#tooLarge(request) ?? (await this.#judgeKey(request, route, query));
    if (refusal !== undefined) return send(response, refusal);
    const backend = this.#options.backends[route.service];
    if (backend === undefined) return send(response, notThere(route.service));
    setForwardedHeaders(request, route, requestId, this.#options.trustForwarded ?? false);
    const passed = query.includes('apikey') ? withoutKey(query) : query;
    request.url = passed === '' ? route.path : `${route.path}?${passed}`;
    backend.handle(request, response);
  }

  #limited({ socket }: IncomingMessage): GatewayAnswer | undefined {
    const seconds = this.#rateLimit?.take(plainAddress(socket.remoteAddress), performance.now()) ?? 0;
    return seconds === 0 ? undefined : tooManyRequests(seconds);
  }

  #tooLarge({ headers }: IncomingMessage): GatewayAnswer | undefined {
    return Number(headers['content-length'] ?? 0) > (this.#options.bodyLimit ?? bodyLimit)
      ? answers.tooLarge
      : undefined;
  }

  /** undefined: come in; the request's Authorization then says for whom. */
  async #judgeKey(request: IncomingMessage, route: Route, query: string): Promise<GatewayAnswer | undefined> {
    const found = findKey(request.headers, query);
    if (route.access === 'open') {
      if (typeof found === 'object') await this.#introduce(request, found.key);
      return undefined;
    }
    if (found === 'duplicate') return answers.duplicateKey;
    if (found === 'none') return this.#options.keyless === true && route.access === 'key' ? undefined : answers.noKey;
    const verdict = await this.#judge.judge(found.key, found.source === 'bearer');
    if (verdict === undefined) return answers.wrongKey;
    if (route.access === 'service key' && verdict.role !== 'service_role') return answers.notAllowed;
    this.#authorize(request, verdict.authorization);
    return undefined;
  }

  async #introduce(request: IncomingMessage, key: string): Promise<void> {
    const verdict = await this.#judge.judge(key, false);
    if (verdict !== undefined) this.#authorize(request, verdict.authorization);
  }

  /** A user's own token stands; an opaque key there means the same as in `apikey`. */
  #authorize({ headers }: IncomingMessage, authorization: string): void {
    const bearer = bearerOf(headers.authorization);
    const stands =
      headers.authorization !== undefined && headers.authorization !== '' && bearer?.startsWith('sb_') !== true;
    if (!stands) headers.authorization = authorization;
  }

  async #answerOwn(request: IncomingMessage, response: ServerResponse, path: string): Promise<void> {
    if (path === '/health' || path === '/healthz') {
      await answerHealth(response, this.#options.backends);
    } else if (path === '/metrics' && isLoopback(request.socket.remoteAddress)) {
      response.writeHead(200, { 'content-type': 'text/plain; version=0.0.4; charset=utf-8' });
      response.end(this.#options.metrics.render());
    } else send(response, answers.noRoute);
  }

  #watch(request: IncomingMessage, response: ServerResponse, path: string, id: string, route: Route | undefined): void {
    const began = performance.now();
    // Gone with the connection.
    const address = plainAddress(request.socket.remoteAddress);
    // Emitted once.
    response.on('close', () => {
      const milliseconds = performance.now() - began;
      const status = response.writableFinished ? response.statusCode : 499;
      const method = methods.has(request.method ?? '') ? (request.method ?? '') : 'other';
      const labels = this.#labels(route?.service ?? 'gateway', method, Math.floor(status / 100));
      const { log, metrics, accessLog = 'errors' } = this.#options;
      metrics.observe('holdfast_api_request_seconds', 'How long requests took.', labels, milliseconds / 1000);
      if (accessLog === 'all' || (accessLog === 'errors' && status >= 500)) {
        log.event('request', { id, method, path, status, milliseconds: Math.round(milliseconds), address });
      }
    });
  }

  /** The same object for the same labels, of which there are few. */
  #labels(service: string, method: string, hundreds: number): Readonly<Record<string, string>> {
    const key = `${service} ${method} ${hundreds}`;
    const known = this.#knownLabels.get(key);
    if (known !== undefined) return known;
    const made = { service, method, status: `${hundreds}xx` };
    this.#knownLabels.set(key, made);
    return made;
  }
}

const methods = new Set(['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS']);

function splitUrl(url: string): { readonly path: string; readonly query: string } {
  const mark = url.indexOf('?');
  return mark < 0 ? { path: url, query: '' } : { path: url.slice(0, mark), query: url.slice(mark + 1) };
}
