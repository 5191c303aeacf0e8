import type { IncomingMessage, ServerResponse } from 'node:http';
import { readBody } from '@holdfast/http';
import { asAbortSignal, type Database } from '@holdfast/postgres';
import { timeLimit } from '@holdfast/spec';
import { type Authenticator, createAuthenticator } from './auth/authenticator.js';
import { invalidPath } from './errors/request-errors.js';
import { RestError } from './errors/rest-error.js';
import { ActiveRequests } from './execute/active-requests.js';
import { StatementNames } from './execute/statement-names.js';
import { handleInfo } from './handle/handle-info.js';
import { handleRoot } from './handle/handle-root.js';
import { PreparedRequests, type Understood } from './handle/prepared-requests.js';
import { type Identity, type RequestEnvironment, runPrepared, type Work } from './handle/work.js';
import type { HttpRequest } from './request/api-request.js';
import type { Answer } from './respond/answer.js';
import { corsHeaders, preflight } from './respond/cors.js';
import { errorAnswer, isUnforeseen } from './respond/error-answer.js';
import { sendAnswer } from './respond/send-answer.js';
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
  /** Milliseconds for one request; then it is 504, up to a tenth later but no more than a second. Default 120000. */
  readonly timeoutMilliseconds?: number;
  /** Reads may run on a replica. Default false. */
  readonly readReplica?: boolean;
  /** How many statements are prepared by name at most; 0: none, as a transaction pooler needs it. Default 500. */
  readonly preparedStatements?: number;
  /** What the paths of requests begin with; not part of any table's name. Default nothing. */
  readonly prefix?: string;
  /** Told of what went wrong on this side, for a log. */
  readonly onFault?: (what: string, error: unknown) => void;
}

/** How long a request waits for the schema cache of a service that is just starting. */
const firstLoadMilliseconds = 10_000;

/** The service: it listens nowhere, whoever has a server gives it requests. */
export interface Rest extends AsyncDisposable {
  handle(request: IncomingMessage, response: ServerResponse): void;
  /** The schema cache is loaded, so that requests can be answered. */
  ready(): boolean;
}

/**
 * PostgREST's API (version 14). Loads the schema cache in the background: until it is there, requests are answered with PGRST002 (503). It takes
 * Node's requests as they are: what a framework does for routes and hooks took as long as all the rest of a small read (docs/adr/0022).
 */
export function createRest(options: RestOptions): Rest {
  const { database, settings, signal, onFault } = options;
  const schema = watchSchemaCache({ database, settings, signal });
  schema.onLoaded((error) => {
    if (error !== undefined) onFault?.('the schema cache could not be loaded; it is tried again', error);
  });
  const service = new RestService(options, schema);
  return {
    handle: (request, response) => void service.serve(request, response),
    ready: () => service.ready,
    [Symbol.asyncDispose]: async () => await schema[Symbol.asyncDispose](),
  };
}

class RestService {
  readonly #options: RestOptions;
  readonly #schema: WatchedSchema;
  readonly #names: StatementNames;
  readonly #active: ActiveRequests;
  readonly #requests = new PreparedRequests();
  /** Made anew when the settings in the database change. */
  #authenticator: { readonly settings: RestSettings; readonly of: Authenticator } | undefined;
  ready = false;

  constructor(options: RestOptions, schema: WatchedSchema) {
    this.#options = options;
    this.#schema = schema;
    this.#active = new ActiveRequests(options.timeoutMilliseconds ?? 120_000, options.signal);
    this.#names = new StatementNames(options.preparedStatements ?? 500);
    schema.onLoaded((error) => {
      if (error === undefined) this.ready = true;
    });
  }

  /** Never rejects. */
  async serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    try {
      await sendAnswer(request, response, await this.#answer(request, response));
    } catch (error) {
      this.#options.onFault?.('request failed', error);
      response.destroy();
    }
  }

  async #answer(request: IncomingMessage, response: ServerResponse): Promise<Answer> {
    const settings = this.#settings();
    let http: HttpRequest;
    try {
      const method = request.method ?? '';
      const body = bodyMethods.has(method) ? await readBody(request, this.#options.bodyLimit ?? bodyLimit) : noBody;
      http = httpRequest(request, this.#options.prefix ?? '', method, body);
    } catch (error) {
      return errorAnswer(error, false, settings);
    }
    const { origin } = http.headers;
    const before = preflight(http.method, http.headers, settings.allowedOrigins);
    if (before !== undefined) return before;
    const answer = await this.#try(http, response, settings);
    const cors = corsHeaders(origin, settings.allowedOrigins);
    const trace = traceHeader(http, settings);
    if (cors.length + trace.length === 0) return answer;
    return { ...answer, headers: [...answer.headers, ...cors, ...trace] };
  }

  async #try(http: HttpRequest, response: ServerResponse, settings: RestSettings): Promise<Answer> {
    const { urlLimit = 32_768 } = this.#options;
    const running = this.#active.open();
    // Emitted once, and when all went well, too.
    response.on('close', () => running.abandon());
    let authenticated = false;
    try {
      if (http.path.length + http.query.length >= urlLimit) throw urlTooLong(urlLimit);
      const timing = settings.serverTiming ? new ServerTiming() : undefined;
      if (!this.ready) await this.#firstLoad(asAbortSignal(running.signal));
      const loaded = this.#schema.current();
      const identity = await this.#authenticate(http, loaded.settings);
      authenticated = identity.authenticated;
      timing?.ended('jwt');
      const understood = this.#requests.understand(http, loaded);
      timing?.ended('parse');
      const environment: RequestEnvironment = {
        database: this.#options.database,
        names: this.#names,
        loaded,
        readReplica: this.#options.readReplica ?? false,
        signal: running.signal,
        timing,
      };
      const work = { http, head: understood.head, identity, environment };
      const answer = await this.#run(work, understood);
      if (timing === undefined) return answer;
      timing.ended('response');
      return { ...answer, headers: [...answer.headers, ['Server-Timing', timing.header]] };
    } catch (error) {
      if (isUnforeseen(error)) this.#options.onFault?.('request failed', error);
      return errorAnswer(error, authenticated, settings);
    } finally {
      running.close();
    }
  }

  async #run(work: Work, understood: Understood): Promise<Answer> {
    const { http, head, environment } = work;
    const { loaded } = environment;
    switch (head.target.kind) {
      case 'root':
        return await handleRoot(work, understood, head.target.isHead, this.#options.prefix ?? '');
      case 'info':
        return handleInfo({ ...head, body: undefined }, loaded);
      default: {
        const { prepared, given } = this.#requests.prepare(understood, http.headers.accept, loaded);
        return await runPrepared(work, prepared, given);
      }
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

  #authenticate(http: HttpRequest, settings: RestSettings): Promise<Identity & { readonly authenticated: boolean }> {
    if (this.#authenticator?.settings !== settings) {
      this.#authenticator = { settings, of: createAuthenticator(settings) };
    }
    return this.#authenticator.of.authenticate(http.headers.authorization);
  }
}

const noBody = Buffer.alloc(0);
const bodyLimit = 10 * 1024 * 1024;
/** Those whose body counts; what others send is not looked at. */
const bodyMethods: ReadonlySet<string> = new Set(['POST', 'PATCH', 'PUT']);

function httpRequest(request: IncomingMessage, prefix: string, method: string, body: Buffer): HttpRequest {
  const url = request.url ?? '/';
  const mark = url.indexOf('?');
  const path = mark < 0 ? url : url.slice(0, mark);
  return {
    method,
    path: ownPath(path, prefix),
    query: mark < 0 ? '' : url.slice(mark + 1),
    headers: plainHeaders(request.headers),
    body,
  };
}

/** Throws PGRST125 for what is not under the prefix. */
function ownPath(path: string, prefix: string): string {
  if (path === prefix) return '/';
  if (!path.startsWith(prefix)) throw invalidPath();
  const own = path.slice(prefix.length);
  if (own.startsWith('/')) return own;
  if (prefix !== '') throw invalidPath();
  return `/${own}`;
}

/** Node has joined those that came several times, but for one; without that they are texts already, and a copy costs more than all that reads it. */
function plainHeaders(headers: IncomingMessage['headers']): Readonly<Record<string, string>> {
  if (headers['set-cookie'] === undefined) return headers as Readonly<Record<string, string>>;
  const joined: Record<string, string> = {};
  for (const name in headers) {
    const value = headers[name];
    if (value !== undefined) joined[name] = typeof value === 'string' ? value : value.join(', ');
  }
  return joined;
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
