import { readFileSync } from 'node:fs';
import { type HttpServer, type LineLog, Metrics } from '@holdfast/http';
import { type OpenDatabase, openDatabase } from '@holdfast/postgres';
import type { Backend } from './backend.js';
import { Closing } from './closing.js';
import type { ApiConfiguration } from './configuration.js';
import { startGateway } from './gateway.js';
import { restKeys, startAuth, startRest } from './local-services.js';
import { createRemoteBackend } from './remote-backend.js';
import { ReplaceableBackend } from './replaceable-backend.js';
import { type ServiceName, serviceNames } from './service-names.js';
import { WatchedKeys } from './watched-keys.js';

const renewMilliseconds = 5000;

/**
 * The whole tier in this process: the gateway, and behind it the services that the configuration does not put elsewhere. Serves as soon as it
 * listens; a database that is not there yet makes requests wait. Disposing drains, then closes everything.
 */
export async function startTier(configuration: ApiConfiguration, log: LineLog): Promise<HttpServer> {
  const { database, services, gateway, host, port } = configuration;
  const closing = new Closing();
  const stop = new AbortController();
  const metrics = new Metrics();
  try {
    const keys = closing.add(new WatchedKeys(configuration.keysFile, log));
    const open = (user: string, password: string, name: string) => {
      const at = (atPort: number) => ({ host: database.host, port: atPort, user, password, database: database.name });
      const opened = openDatabase(
        { primary: at(database.readWritePort), replica: at(database.readOnlyPort) },
        {
          applicationName: `holdfast-${name}`,
          connectionsAtMost: database.connectionsAtMost,
          rideMilliseconds: database.rideMilliseconds,
        },
      );
      closing.add(opened);
      watchPool(metrics, name, opened);
      return opened;
    };
    const backends: Partial<Record<ServiceName, Backend>> = {};
    for (const name of serviceNames) {
      const place = services[name];
      if (place === 'off') continue;
      if (place !== undefined) {
        backends[name] = closing.add(
          createRemoteBackend({ url: place, timeoutMilliseconds: gateway.upstreamMilliseconds }),
        );
      } else if (name === 'rest') {
        const opened = open('authenticator', database.authenticatorPassword, name);
        backends.rest = closing.add(startRenewedRest(configuration, opened, keys, stop.signal, log));
      } else if (name === 'auth') {
        const opened = open('supabase_auth_admin', database.authAdminPassword, name);
        backends.auth = closing.add(
          await startAuth(authSettings(configuration), opened, () => keys.current, stop.signal),
        );
      }
    }
    watchProcess(metrics);
    const server = await startGateway({
      ...gateway,
      host,
      port,
      backends,
      keys: () => keys.current,
      allowedOrigins: gateway.allowedOrigins,
      bodyLimit: gateway.bodyLimit,
      rateLimit: gateway.rateLimit,
      log,
      metrics,
    });
    return {
      host: server.host,
      port: server.port,
      async [Symbol.asyncDispose]() {
        await server[Symbol.asyncDispose]();
        stop.abort();
        await closing[Symbol.asyncDispose]();
      },
    };
  } catch (error) {
    stop.abort();
    await closing[Symbol.asyncDispose]();
    throw error;
  }
}

/** REST is given its keys once: when they change it is replaced by one that has the new ones. */
function startRenewedRest(
  configuration: ApiConfiguration,
  database: OpenDatabase,
  keys: WatchedKeys,
  signal: AbortSignal,
  log: LineLog,
): Backend {
  let known = restKeys(keys.current, new Date());
  const backend = new ReplaceableBackend(startRest(configuration, database, known, signal, log));
  const renew = () => {
    const wanted = restKeys(keys.current, new Date());
    if (wanted === known) return;
    known = wanted;
    backend.replace(startRest(configuration, database, wanted, signal, log));
    log.event('keys', { rest: 'renewed' });
  };
  const timer = setInterval(() => {
    try {
      renew();
    } catch (error) {
      log.event('keys', { rest: 'failed', reason: String(error) });
    }
  }, renewMilliseconds).unref();
  signal.addEventListener('abort', () => clearInterval(timer), { once: true });
  return backend;
}

function authSettings({ auth, mailPasswordFile }: ApiConfiguration): Record<string, unknown> {
  if (mailPasswordFile === undefined) return auth;
  const password = readFileSync(mailPasswordFile, 'utf8').trim();
  const mail = isRecord(auth.mail) ? auth.mail : {};
  const smtp = isRecord(mail.smtp) ? mail.smtp : {};
  return { ...auth, mail: { ...mail, smtp: { ...smtp, password } } };
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function watchPool(metrics: Metrics, name: string, database: OpenDatabase): void {
  const help = 'Connections of the pool to the primary';
  metrics.gauge(`holdfast_api_${name}_connections_open`, `${help}.`, () => database.size.open);
  metrics.gauge(`holdfast_api_${name}_connections_idle`, `${help} that nobody uses.`, () => database.size.idle);
  metrics.gauge(
    `holdfast_api_${name}_requests_waiting`,
    'Requests that wait for a connection.',
    () => database.size.waiting,
  );
}

function watchProcess(metrics: Metrics): void {
  const { rss } = process.memoryUsage;
  metrics.gauge('process_resident_memory_bytes', 'Resident memory.', () => rss());
  metrics.gauge(
    'process_start_time_seconds',
    'When it started, since the epoch.',
    () => Date.now() / 1000 - process.uptime(),
  );
}
