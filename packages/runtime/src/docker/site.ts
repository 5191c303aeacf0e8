import { spawn } from 'node:child_process';
import { once } from 'node:events';
import type { Plan } from '@holdfast/components';
import type { Secrets } from '@holdfast/spec';
import { dockerFailed } from '../errors.js';
import type { UnitStatus } from '../runtime.js';
import { ensureImages } from './build-images.js';
import { volumeName } from './compose-file.js';
import { isPersistent, labels, secretsOf } from './compose-service.js';
import { processesByContainer } from './container-processes.js';
import { type Inspection, unitsIn } from './container-status.js';
import { type Container, containersOn } from './containers.js';
import { type DockerPlan, dockerFolder } from './docker-folders.js';
import { createEngine, type Engine } from './engine.js';
import { writeFolder, writeSecretFiles } from './write-folder.js';

const shipMilliseconds = 120_000;

export interface SiteOptions {
  readonly cluster: string;
  /** Address of the Docker host; undefined: the cluster has only one. */
  readonly host: string | undefined;
  /** DOCKER_HOST; undefined: what the docker command talks to by itself. */
  readonly engine: string | undefined;
  /** The rendered folder; on an engine elsewhere it gets the same path there. */
  readonly folder: string;
}

/** One engine and the rendered folder of what it runs. */
export class Site {
  readonly host: string | undefined;
  /** The engine is on this machine. */
  readonly isHere: boolean;
  readonly engine: Engine;
  /** For commands that are started elsewhere. */
  readonly dockerHost: string | undefined;
  readonly #cluster: string;
  readonly #folder: string;

  constructor({ cluster, host, engine, folder }: SiteOptions) {
    this.host = host;
    this.dockerHost = engine;
    this.isHere = (engine ?? process.env.DOCKER_HOST ?? 'unix://').startsWith('unix://');
    this.#cluster = cluster;
    this.#folder = folder;
    // Hosts that share an engine, as in a test, must not take each other's containers for their own.
    this.engine = createEngine(
      host === undefined ? cluster : `${cluster}-${host.replaceAll(/[^0-9a-z]/g, '-')}`,
      engine,
    );
  }

  /** The cluster's containers on this engine, those of other hosts too where they share it. */
  async inspect(signal: AbortSignal): Promise<readonly Inspection[]> {
    const filter = `label=${labels.cluster}=${this.#cluster}`;
    const ids = (await this.engine.docker(['container', 'ls', '--all', '--quiet', '--filter', filter], { signal }))
      .split('\n')
      .filter((id) => id !== '');
    if (ids.length === 0) return [];
    const found = JSON.parse(await this.engine.docker(['container', 'inspect', ...ids], { signal })) as Inspection[];
    return found.filter(({ Config }) => (Config.Labels[labels.host] ?? '') === (this.host ?? ''));
  }

  /** The units of its containers. */
  async units(signal: AbortSignal): Promise<readonly UnitStatus[]> {
    const found = await this.inspect(signal);
    const processes = this.isHere ? processesByContainer(found.map(({ Id }) => Id)) : undefined;
    return found.flatMap((container) => unitsIn(container, processes?.get(container.Id)));
  }

  /** Writes the rendered folder and builds the images that are missing. Throws HF_DOCKER_… */
  async prepare(
    planned: DockerPlan,
    options: { readonly build: boolean; readonly signal: AbortSignal; readonly progress: (text: string) => void },
  ): Promise<void> {
    writeFolder(this.#folder, dockerFolder(planned, this.host));
    await ensureImages(this.engine, this.#folder, this.#containers(planned.plan), planned.settings, options);
  }

  /** Has Compose make what runs as the plan says. */
  async up(planned: DockerPlan, secrets: Secrets, signal: AbortSignal): Promise<void> {
    const containers = this.#containers(planned.plan);
    writeFolder(this.#folder, dockerFolder(planned, this.host));
    writeSecretFiles(this.#folder, secretsOf(containers.flatMap(({ units }) => units)), secrets);
    const image = containers[0]?.image;
    if (!this.isHere && image !== undefined) await this.#ship(image, signal);
    await this.engine.compose(this.#folder, ['up', '--detach', '--no-build', '--remove-orphans'], { signal });
  }

  async stop(names: readonly string[], graceSeconds: number, signal: AbortSignal): Promise<void> {
    const there = new Set((await this.inspect(signal)).map(({ Name }) => Name.replace(/^\//, '')));
    const present = names.filter((name) => there.has(name));
    if (present.length === 0) return;
    const timeoutMilliseconds = (graceSeconds + 60) * 1000;
    await this.engine.docker(['stop', '--time', String(graceSeconds), ...present], { signal, timeoutMilliseconds });
  }

  /** Removes the containers and their network; volumes stay. */
  async remove(signal: AbortSignal): Promise<void> {
    await this.engine.compose(this.#folder, ['down', '--remove-orphans'], { signal });
  }

  async removeVolumes(plan: Plan, signal: AbortSignal): Promise<void> {
    const persistent = this.#containers(plan)
      .map(({ units }) => units[0])
      .filter(isPersistent);
    const present = (await this.engine.docker(['volume', 'ls', '--quiet'], { signal })).split('\n');
    const doomed = persistent.map(({ id }) => volumeName(this.#cluster, id)).filter((name) => present.includes(name));
    if (doomed.length > 0) await this.engine.docker(['volume', 'rm', ...doomed], { signal });
  }

  #containers(plan: Plan): readonly Container[] {
    return containersOn(plan, this.host);
  }

  /** The folder, through the engine: containers have its files mounted from where the engine is, and each file itself, so it is overwritten. */
  async #ship(image: string, signal: AbortSignal): Promise<void> {
    const script = `tar -C "$1" -cf - . | docker run --rm --interactive --network none --user 0 --entrypoint tar \\
      --volume "$1:$1" "$2" -C "$1" --overwrite -xpf -`;
    const child = spawn('sh', ['-c', script, 'ship', this.#folder, image], {
      stdio: ['ignore', 'ignore', 'pipe'],
      env: this.dockerHost === undefined ? process.env : { ...process.env, DOCKER_HOST: this.dockerHost },
      signal: AbortSignal.any([signal, AbortSignal.timeout(shipMilliseconds)]),
    });
    let said = '';
    child.stderr.setEncoding('utf8').on('data', (text: string) => {
      said = (said + text).slice(-4000);
    });
    const [code] = (await once(child, 'close')) as [number | null];
    if (code !== 0) throw dockerFailed('docker run', said);
  }
}
