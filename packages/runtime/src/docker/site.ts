import { spawn } from 'node:child_process';
import { once } from 'node:events';
import type { Plan } from '@holdfast/components';
import { type Secrets, timeLimit } from '@holdfast/spec';
import { copiedFiles } from '../copied-files.js';
import { dockerFailed } from '../errors.js';
import type { UnitStatus } from '../runtime.js';
import { ensureImages } from './build-images.js';
import { projectName, volumeName } from './compose-file.js';
import { isPersistent, labels, secretsOf } from './compose-service.js';
import { processesByContainer } from './container-processes.js';
import { type Inspection, unitsIn } from './container-status.js';
import { type Container, containersOn } from './containers.js';
import { type DockerPlan, dockerFolder } from './docker-folders.js';
import { createEngine, type Engine } from './engine.js';
import { writeCertificate, writeCopies, writeFolder, writeSecretFiles } from './write-folder.js';

const shipMilliseconds = 120_000;

type Labelled = Readonly<Record<string, string>>;

export interface SiteOptions {
  readonly cluster: string;
  /** See DockerSettings; undefined: nothing was brought up yet. */
  readonly owner: string | undefined;
  /** Address of the Docker host; undefined: the cluster has only one. */
  readonly host: string | undefined;
  /** DOCKER_HOST; undefined: what the docker command talks to by itself. */
  readonly engine: string | undefined;
  /** Absolute, real path. */
  readonly stateDirectory: string;
  /** The rendered folder; on an engine elsewhere it gets the same path there. */
  readonly folder: string;
  /** Folder of etcd's client certificate, where containers need one. */
  readonly certificates: string | undefined;
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
  readonly #owner: string | undefined;
  readonly #folder: string;
  readonly #stateDirectory: string;
  readonly #certificates: string | undefined;

  constructor({ cluster, owner, host, engine, folder, stateDirectory, certificates }: SiteOptions) {
    this.host = host;
    this.dockerHost = engine;
    this.isHere = (engine ?? process.env.DOCKER_HOST ?? 'unix://').startsWith('unix://');
    this.#cluster = cluster;
    this.#owner = owner;
    this.#folder = folder;
    this.#stateDirectory = stateDirectory;
    this.#certificates = certificates;
    const project = projectName(cluster);
    // Hosts that share an engine, as in a test, must not take each other's containers for their own.
    this.engine = createEngine(
      host === undefined ? project : `${project}-${host.replaceAll(/[^0-9a-z]/g, '-')}`,
      engine,
    );
  }

  /** The cluster's containers of this host. */
  async inspect(signal: AbortSignal): Promise<readonly Inspection[]> {
    return (await this.#inspectAll(signal)).filter(
      ({ Config: { Labels } }) => this.#isOurs(Labels) && (Labels[labels.host] ?? '') === (this.host ?? ''),
    );
  }

  /** Containers and volumes of this cluster's name that another state folder, or somebody by hand, has made. For people. */
  async findForeign(plan: Plan, signal: AbortSignal): Promise<readonly string[]> {
    const containers = (await this.#inspectAll(signal))
      .filter(({ Config }) => !this.#isOurs(Config.Labels))
      .map(({ Name }) => `container ${Name.replace(/^\//, '')}`);
    const names = this.#volumes(plan);
    const present = (await this.engine.docker(['volume', 'ls', '--quiet'], { signal })).split('\n');
    const existing = names.filter((name) => present.includes(name));
    if (existing.length === 0) return containers;
    const text = await this.engine.docker(['volume', 'inspect', ...existing], { signal });
    const volumes = JSON.parse(text) as { readonly Name: string; readonly Labels: Labelled | null }[];
    return [
      ...containers,
      ...volumes.filter(({ Labels }) => !this.#isOurs(Labels ?? {})).map(({ Name }) => `volume ${Name}`),
    ];
  }

  #isOurs(found: Labelled): boolean {
    return this.#owner !== undefined && found[labels.owner] === this.#owner;
  }

  async #inspectAll(signal: AbortSignal): Promise<readonly Inspection[]> {
    const filter = `label=${labels.cluster}=${this.#cluster}`;
    const ids = (await this.engine.docker(['container', 'ls', '--all', '--quiet', '--filter', filter], { signal }))
      .split('\n')
      .filter((id) => id !== '');
    if (ids.length === 0) return [];
    return JSON.parse(await this.engine.docker(['container', 'inspect', ...ids], { signal })) as Inspection[];
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

  /**
   * Has Compose make what runs as the plan says. `renewed`: units whose containers are made anew. They are one after the other: Compose v2 would stop all
   * of them before it starts the first one again, and clients of HAProxy would wait for the end of everything else.
   */
  async up(
    planned: DockerPlan,
    { secrets, renewed, signal }: { secrets: Secrets; renewed: ReadonlySet<string>; signal: AbortSignal },
  ): Promise<void> {
    const containers = this.#containers(planned.plan);
    writeFolder(this.#folder, dockerFolder(planned, this.host));
    writeSecretFiles(this.#folder, secretsOf(containers.flatMap(({ units }) => units)), secrets);
    if (this.#certificates !== undefined) writeCertificate(this.#folder, this.#certificates);
    await this.bringCopies(containers, signal);
    const up = ['up', '--detach', '--no-build'];
    for (const { service, units } of containers) {
      if (units.some(({ id }) => renewed.has(id)))
        await this.engine.compose(this.#folder, [...up, '--no-deps', service], { signal });
    }
    await this.engine.compose(this.#folder, [...up, '--remove-orphans'], { signal });
  }

  /** Brings what containers read while they run up to date, where there is such. */
  async bringCopies(containers: readonly Container[], signal: AbortSignal): Promise<void> {
    for (const { service, units } of containers) {
      const copies = copiedFiles(units, this.#stateDirectory);
      if (copies.length > 0) writeCopies(this.#folder, service, copies);
    }
    const image = containers[0]?.image;
    if (!this.isHere && image !== undefined) await this.#ship(image, signal);
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

  /** Deletes the volumes, and the copy of the folder on an engine elsewhere. */
  async removeData(plan: Plan, signal: AbortSignal): Promise<void> {
    const filter = `label=${labels.owner}=${this.#owner ?? ''}`;
    const ours = (await this.engine.docker(['volume', 'ls', '--quiet', '--filter', filter], { signal })).split('\n');
    const doomed = this.#volumes(plan).filter((name) => ours.includes(name));
    if (doomed.length > 0) await this.engine.docker(['volume', 'rm', ...doomed], { signal });
    const image = this.#containers(plan)[0]?.image;
    if (this.isHere || image === undefined) return;
    const place = ['--volume', `${this.#folder}:${this.#folder}`, '--entrypoint', 'find', image];
    await this.engine.docker(
      ['run', '--rm', '--network', 'none', '--user', '0', ...place, this.#folder, '-mindepth', '1', '-delete'],
      { signal },
    );
  }

  #volumes(plan: Plan): readonly string[] {
    return this.#containers(plan)
      .map(({ units }) => units[0])
      .filter(isPersistent)
      .map(({ id }) => volumeName(this.#cluster, id));
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
      signal: timeLimit(signal, shipMilliseconds),
    });
    let said = '';
    child.stderr.setEncoding('utf8').on('data', (text: string) => {
      said = (said + text).slice(-4000);
    });
    const [code] = (await once(child, 'close')) as [number | null];
    if (code !== 0) throw dockerFailed('docker run', said);
  }
}
