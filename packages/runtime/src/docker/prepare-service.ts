import {
  containerConfiguration,
  containerSecrets,
  type JsonObject,
  poolerFunction,
  poolerRole,
  secretVariable,
  superuserRole,
} from '@holdfast/components';
import { prepareAddress } from './container-spec.js';
import type { Container } from './containers.js';
import type { DockerSettings } from './docker-settings.js';

/**
 * Where nobody runs `up`, which prepares the database: a container that makes the pooler's role and function, and ends. Undefined where it is
 * not needed: `up` does it, there is no pooler, or HAProxy is on another host. Pure.
 */
export function renderPrepareService(
  containers: readonly Container[],
  all: readonly Container[],
  settings: DockerSettings,
): JsonObject | undefined {
  const haproxy = containers.find(({ service }) => service === 'haproxy')?.units[0];
  const readWrite = haproxy?.ports.find(({ name }) => name === 'read-write');
  const hasPooler = containers.some(({ service }) => service === 'pgbouncer');
  const image = all.find(({ units }) => units[0].component === 'patroni')?.image;
  if (settings.owner !== undefined || readWrite === undefined || !hasPooler || image === undefined) return undefined;
  const { network } = settings;
  return {
    image,
    build: {
      context: './docker',
      dockerfile: 'Dockerfile.patroni',
      args: { BASE: settings.baseImage, VERSION: image.replace(/^.*:/, '') },
    },
    ...(network.kind === 'host'
      ? { network_mode: 'host' }
      : { networks: { cluster: { ipv4_address: prepareAddress(network.subnet) } } }),
    command: [
      ...['psql', '--no-psqlrc', '--quiet', '--set=ON_ERROR_STOP=1', `--file=${containerConfiguration}/prepare.sql`],
      `host=${readWrite.host} port=${readWrite.port} user=${superuserRole} dbname=postgres`,
    ],
    environment: { [secretVariable('PGPASSWORD')]: `${containerSecrets}/postgres` },
    volumes: [`./${prepareFile}:${containerConfiguration}/prepare.sql:ro`],
    secrets: prepareSecrets,
    read_only: true,
    cap_drop: ['ALL'],
    security_opt: ['no-new-privileges:true'],
    // Until there is a primary.
    restart: 'on-failure',
    healthcheck: { disable: true },
    depends_on: ['haproxy'],
  };
}

export const prepareSecrets = ['pgbouncer', 'postgres'] as const;
export const prepareFile = 'pgbouncer-config/prepare.sql';

/** A script for psql that changes nothing where it ran before. The password is in no log, whatever happens. */
export const prepareScript = `-- What PgBouncer needs in a database that was started by Compose alone.
SET log_statement = 'none';
SET log_min_duration_statement = -1;
SET log_min_error_statement = 'panic';
\\set password \`cat ${containerSecrets}/pgbouncer\`
SELECT format('CREATE ROLE ${poolerRole} LOGIN PASSWORD %L', :'password')
  WHERE NOT EXISTS (SELECT FROM pg_roles WHERE rolname = '${poolerRole}') \\gexec
${['postgres', 'template1'].map(inDatabase).join('')}`;

function inDatabase(name: string): string {
  return `\\connect ${name}
SELECT to_regprocedure('pgbouncer.get_auth(text)') IS NULL AS is_missing \\gset
\\if :is_missing
BEGIN;${poolerFunction}COMMIT;
\\endif
`;
}
