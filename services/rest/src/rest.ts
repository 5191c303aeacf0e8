import type { Database } from '@holdfast/postgres';
import { timeLimit } from '@holdfast/spec';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { type Authenticator, createAuthenticator } from './auth/authenticator.js';
import { RestError } from './errors/rest-error.js';
import { ActiveRequests } from './execute/active-requests.js';
import { StatementNames } from './execute/statement-names.js';
import { handleInfo } from './handle/handle-info.js';
import { handleRequest } from './handle/handle-request.js';
import { handleRoot } from './handle/handle-root.js';
import type { Identity, RequestEnvironment, Work } from './handle/work.js';
import { type HttpRequest, parseRequest } from './request/api-request.js';
import type { Answer } from './respond/answer.js';
import { corsHeaders, preflight } from './respond/cors.js';
import { errorAnswer, isUnforeseen } from './respond/error-answer.js';
import { ServerTiming } from './respond/server-timing.js';
import { type WatchedSchema, watchSchemaCache } from './schema-cache/watch-schema-cache.js';
import type { RestSettings } from './settings.js';

export interface RestOptions {
  readonly database: Database;
  readonly settings: RestSettings;
  /** Aborted, the service ends: what waits on the database rejects. */
  readonly signal: AbortSignal;
  /** Bytes of a request's body. Default 10 MiB. */
  readonly bodyLimit?: number;
  /** Characters of path and query string together; more is 414. Default 32768, which Node's own limit of 16 KiB for all headers undercuts. */
  readonly urlLimit?: number;
  /** Milliseconds for one request; then it is 504. Default 120000. */
  readonly timeoutMilliseconds?: number;
  /** Reads may run on a replica. Default false. */
  readonly readReplica?: boolean;
  /** How many statements are prepared by name at most; 0: none, as a transaction pooler needs it. Default 500. */
  readonly preparedStatements?: number;
}

/** What is asked of the service from inside. */
export interface RestState {
  /** The process answers. */
  live(): boolean;
  /** The schema cache is loaded, so that requests can be answered. */
  ready(): boolean;
}

/** How long a request waits for the schema cache of a service that is just starting. */
const firstLoadMilliseconds = 10_000;

const states = new WeakMap<FastifyInstance, RestState>();

/** Whether the plugin that was registered on this instance is alive and ready; undefined: there is none. */
export function restState(app: FastifyInstance): RestState | undefined {
  return states.get(app);
}

/**
 * PostgREST's API (version 14) as a Fastify plugin, without a prefix or with one. Loads the schema cache in the background: until it is there,
 * requests are answered with PGRST002 (503).
 */
export async function rest(app: FastifyInstance, options: RestOptions): Promise<void> {
  const { database, settings, signal, bodyLimit = 10 * 1024 * 1024 } = options;
  const schema = watchSchemaCache({ database, settings, signal });
  schema.onLoaded((error) => {
    if (error === undefined) return;
    const reason = error instanceof Error ? error.message : String(error);
    app.log.warn({ reason }, 'the schema cache could not be loaded; it is tried again');
  });
  app.addHook('onClose', async () => await schema[Symbol.asyncDispose]());
  const service = new RestService(options, schema);
  states.set(app, { live: () => true, ready: () => service.ready });
  app.removeAllContentTypeParsers();
  app.addContentTypeParser('*', { parseAs: 'buffer', bodyLimit }, (_request, body, done) => {
    done(null, body);
  });
  app.setErrorHandler(async (error, _request, reply) => {
    await sendAnswer(reply, errorAnswer(error, false, settings));
  });
  // With a prefix the root is also the prefix alone, which the wildcard does not take.
  for (const url of app.prefix === '' ? ['/*'] : ['/*', '']) {
    app.route({
      method: ['GET', 'HEAD', 'POST', 'PATCH', 'PUT', 'DELETE', 'OPTIONS'],
      url,
      exposeHeadRoute: false,
      bodyLimit,
      handler: async (request, reply) => {
        await sendAnswer(reply, await service.answer(request, app.prefix));
        return reply;
      },
    });
  }
}

class RestService {
  readonly #options: RestOptions;
  readonly #schema: WatchedSchema;
  readonly #names: StatementNames;
  readonly #active: ActiveRequests;
  /** Made anew when the settings in the database change. */
  #authenticator: { readonly settings: RestSettings; readonly of: Authenticator } | undefined;
  ready = false;

  constructor(options: RestOptions, schema: WatchedSchema) {
    this.#options = options;
    this.#schema = schema;
    this.#active = new ActiveRequests(options.signal);
    this.#names = new StatementNames(options.preparedStatements ?? 500);
    schema.onLoaded((error) => {
      if (error === undefined) this.ready = true;
    });
  }

  async answer(request: FastifyRequest, prefix: string): Promise<Answer> {
    const http = httpRequest(request, prefix);
    const { origin } = http.headers;
    const settings = this.#settings();
    const before = preflight(http.method, http.headers, settings.allowedOrigins);
    if (before !== undefined) return before;
    const answer = await this.#try(http, request, settings, prefix);
    const extra = [...corsHeaders(origin, settings.allowedOrigins), ...traceHeader(http, settings)];
    return extra.length === 0 ? answer : { ...answer, headers: [...answer.headers, ...extra] };
  }

  async #try(http: HttpRequest, request: FastifyRequest, settings: RestSettings, prefix: string): Promise<Answer> {
    const { timeoutMilliseconds = 120_000, urlLimit = 32_768 } = this.#options;
    const waiting = this.#active.open(timeoutMilliseconds);
    const limit = waiting.signal;
    request.raw.socket.once('close', waiting.abandon);
    let authenticated = false;
    try {
      if (request.url.length > urlLimit) throw urlTooLong(urlLimit);
      const timing = settings.serverTiming ? new ServerTiming() : undefined;
      if (!this.ready) await this.#firstLoad(limit);
      const loaded = this.#schema.current();
      const identity = await this.#authenticate(http, loaded.settings);
      authenticated = identity.authenticated;
      timing?.ended('jwt');
      const parsed = parseRequest(http, loaded.settings, loaded.schemaCache.timeZones);
      timing?.ended('parse');
      const environment: RequestEnvironment = {
        database: this.#options.database,
        names: this.#names,
        loaded,
        readReplica: this.#options.readReplica ?? false,
        signal: limit,
        onPlanned: () => timing?.ended('plan'),
        onExecuted: () => timing?.ended('transaction'),
      };
      const answer = await dispatch({ http, request: parsed, identity, environment }, prefix);
      if (timing === undefined) return answer;
      timing.ended('response');
      return { ...answer, headers: [...answer.headers, ['Server-Timing', timing.header]] };
    } catch (error) {
      if (isUnforeseen(error)) request.log.error({ err: error }, 'request failed');
      return errorAnswer(error, authenticated, settings);
    } finally {
      request.raw.socket.off('close', waiting.abandon);
      waiting.close();
    }
  }

  /** Whoever comes early waits; after that PGRST002 tells that the database cannot be asked. */
  async #firstLoad(signal: AbortSignal): Promise<void> {
    const patience = timeLimit(signal, firstLoadMilliseconds);
    await new Promise<void>((resolve) => {
      const done = () => {
        patience.removeEventListener('abort', done);
        resolve();
      };
      patience.addEventListener('abort', done, { once: true });
      this.#schema.ready.then(done, done);
    });
  }

  #settings(): RestSettings {
    return this.ready ? this.#schema.current().settings : this.#options.settings;
  }

  async #authenticate(
    http: HttpRequest,
    settings: RestSettings,
  ): Promise<Identity & { readonly authenticated: boolean }> {
    if (this.#authenticator?.settings !== settings) {
      this.#authenticator = { settings, of: createAuthenticator(settings) };
    }
    return await this.#authenticator.of.authenticate(http.headers.authorization);
  }
}

async function dispatch(work: Work, prefix: string): Promise<Answer> {
  const { target } = work.request;
  switch (target.kind) {
    case 'root':
      return await handleRoot(work, target.isHead, prefix);
    case 'info':
      return handleInfo(work.request, work.environment.loaded);
    default:
      return await handleRequest(work);
  }
}

const noBody = Buffer.alloc(0);

function httpRequest(request: FastifyRequest, prefix: string): HttpRequest {
  const url = request.raw.url ?? '/';
  const mark = url.indexOf('?');
  const path = mark < 0 ? url : url.slice(0, mark);
  const headers: Record<string, string> = {};
  for (const [name, value] of Object.entries(request.headers)) {
    if (value !== undefined) headers[name] = Array.isArray(value) ? value.join(', ') : value;
  }
  const own = path.startsWith(prefix) ? path.slice(prefix.length) : path;
  return {
    method: request.method,
    path: own.startsWith('/') ? own : `/${own}`,
    query: mark < 0 ? '' : url.slice(mark + 1),
    headers,
    body: Buffer.isBuffer(request.body) ? request.body : noBody,
  };
}

function traceHeader(
  { headers }: HttpRequest,
  { traceHeader: name }: RestSettings,
): readonly (readonly [string, string])[] {
  const value = name === null ? undefined : headers[name.toLowerCase()];
  return name === null || value === undefined ? [] : [[name, value]];
}

function urlTooLong(most: number): RestError {
  return new RestError({
    status: 414,
    code: 'HF_REST_URL_TOO_LONG',
    message: `The URL is longer than ${most} characters.`,
  });
}

async function sendAnswer(reply: FastifyReply, { status, headers, body, statusText }: Answer): Promise<void> {
  reply.code(status);
  if (statusText !== undefined) reply.raw.statusMessage = statusText;
  const cookies = headers.filter(([name]) => name.toLowerCase() === 'set-cookie').map(([, value]) => value);
  for (const [name, value] of headers) {
    if (name.toLowerCase() !== 'set-cookie') reply.header(name, value);
  }
  if (cookies.length > 0) reply.header('set-cookie', cookies);
  await reply.send(body);
}
