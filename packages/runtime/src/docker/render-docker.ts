import type { Plan } from '@holdfast/components';
import { projectName, renderComposeFile } from './compose-file.js';
import { secretsOf } from './compose-service.js';
import { configurationFiles } from './configuration-files.js';
import { type Container, containersOf, containersOn } from './containers.js';
import { renderCreateSecrets } from './create-secrets.js';
import type { DockerSettings } from './docker-settings.js';
import { renderFetchSecrets } from './fetch-secrets.js';
import { prepareFile, prepareScript, renderPrepareService } from './prepare-service.js';

/** One file of a rendered folder. */
export interface RenderedFile {
  /** Relative to the folder. */
  readonly path: string;
  readonly text: string;
  /** 0644, or 0755 for what is run. */
  readonly mode: number;
}

/** The Docker hosts that have something to run, in the plan's order; one undefined where there is only the one that the command talks to. */
export function dockerHosts(plan: Plan, settings: DockerSettings): readonly (string | undefined)[] {
  return settings.network.kind === 'host' ? [...new Set(plan.units.map(({ host }) => host))] : [undefined];
}

/**
 * Everything that `docker compose up -d` needs on one host, but what the images are built from (image-context.ts) and the secrets' values.
 * Pure: the same plan and settings give the same bytes.
 */
export function renderDocker(plan: Plan, settings: DockerSettings, host?: string): readonly RenderedFile[] {
  const all = containersOf(plan);
  const containers = containersOn(plan, host);
  return [
    file('docker-compose.yml', renderComposeFile(containers, all, settings)),
    ...renderConfiguration(containers),
    ...(renderPrepareService(containers, all, settings) === undefined ? [] : [file(prepareFile, prepareScript)]),
    file('.env', `COMPOSE_PROJECT_NAME=${projectName(settings.cluster)}\n`),
    ...(host === undefined ? renderInstructions(plan, settings) : []),
  ];
}

/** How to use what was rendered by hand: beside the only docker-compose.yml, or beside the folders of several hosts. */
export function renderInstructions(plan: Plan, settings: DockerSettings): readonly RenderedFile[] {
  const hosts = dockerHosts(plan, settings).filter((host) => host !== undefined);
  return [
    settings.kubernetes === undefined
      ? file('create-secrets.sh', renderCreateSecrets(secretsOf(plan.units), hosts), 0o755)
      : file(
          'fetch-secrets.sh',
          renderFetchSecrets(settings.kubernetes.namespace, secretsOf(plan.units), hosts),
          0o755,
        ),
    file('README.md', settings.kubernetes === undefined ? readme(settings, hosts) : readmeOfMembers(settings, hosts)),
  ];
}

function renderConfiguration(containers: readonly Container[]): readonly RenderedFile[] {
  const files = new Map<string, RenderedFile>();
  for (const { path, text, isProgram } of containers.flatMap(({ units }) => units).flatMap(configurationFiles)) {
    const earlier = files.get(path);
    if (earlier !== undefined && earlier.text !== text) throw new RangeError(`Two units need a ${path} of their own.`);
    files.set(path, file(path, text, isProgram ? 0o755 : 0o644));
  }
  return [...files.values()];
}

function file(path: string, text: string, mode = 0o644): RenderedFile {
  return { path, text, mode };
}

function readme({ cluster }: DockerSettings, hosts: readonly string[]): string {
  const where =
    hosts.length === 0
      ? ''
      : `
A folder for each Docker host: ${hosts.join(', ')}. Make the secrets here, copy each folder to its host (rsync -a keeps the modes), and go on there.
`;
  return `# Cluster ${cluster} in Docker
${where}
    sh create-secrets.sh        # passwords, once; files that are there stay as they are
    docker compose up -d        # or docker-compose up -d; builds the images first

    docker compose ps
    docker compose exec patroni-postgres-1 patronictl list
    docker compose exec patroni-postgres-1 patronictl switchover
    docker compose down         # the data stays in volumes; down --volumes deletes it

The password of PostgreSQL's superuser is in \`secrets/postgres\`. The service \`prepare\` makes what
PgBouncer logs in with, and ends. \`holdfast up --runtime docker\` does all of this, and prepares the database for Supabase, which the worker
\`net\` waits for.
`;
}

function readmeOfMembers({ cluster }: DockerSettings, hosts: readonly string[]): string {
  return `# Members of cluster ${cluster} in Docker

etcd and HAProxy are in Kubernetes: \`holdfast render kubernetes\` writes them, and they come first.
A folder for each Docker host: ${hosts.join(', ')}.

    sh fetch-secrets.sh         # from Kubernetes, with kubectl; again after make-secrets has made new ones
    docker compose up -d        # in the folder of each host, copied there (rsync -a keeps the modes)

    docker compose ps
    docker compose exec patroni-postgres-1 patronictl list
    docker compose down         # the data stays in volumes; down --volumes deletes it

`;
}
