import { containerLayout, type ImageTags, layoutBesideKubernetes, type Plan, planCluster } from '@holdfast/components';
import type { ClusterSpec } from '@holdfast/spec';
import { containerSpec } from './container-spec.js';
import { intoContainers } from './containers.js';
import { type DockerSettings, dockerSettings, type ImageVersions, imageTags } from './docker-settings.js';
import { type ContextFile, contextVersion, isOfApi, readImageContext } from './image-context.js';
import { dockerHosts, renderDocker, renderInstructions } from './render-docker.js';

/** What the runtime docker makes of a spec. */
export interface DockerPlan {
  readonly plan: Plan;
  readonly settings: DockerSettings;
  /** What its images are built from. */
  readonly context: readonly ContextFile[];
}

/** Reads what images are built from, since their tags depend on it; the rest is pure. Throws HF_RUNTIME_PROGRAM_NOT_BUILT. */
export function planDocker(spec: ClusterSpec, owner?: string): DockerPlan {
  const context = readImageContext();
  const versions = imageVersions(context, spec.docker.baseImage);
  return { plan: planContainers(spec, versions), settings: dockerSettings(spec, owner), context };
}

/** The images that `up` builds for a spec, whatever runs it. Reads what they are built from. Throws HF_RUNTIME_PROGRAM_NOT_BUILT. */
export function builtImages(spec: ClusterSpec): ImageTags {
  const { baseImage } = spec.docker;
  return imageTags(imageVersions(readImageContext(), baseImage));
}

function imageVersions(context: readonly ContextFile[], baseImage: string): ImageVersions {
  const others = context.filter((file) => !isOfApi(file));
  return { database: contextVersion(others, baseImage), api: contextVersion(context, baseImage) };
}

/** Every unit with the container that it runs in. Pure. */
export function planContainers(spec: ClusterSpec, versions: ImageVersions): Plan {
  const inside = containerSpec(spec);
  const tags = imageTags(versions);
  if (spec.kubernetes.members !== 'docker') {
    return intoContainers(planCluster({ spec: inside, layout: containerLayout }), tags);
  }
  // The rest is in Kubernetes; of what a member waits for, nothing is here.
  const plan = planCluster({ spec: inside, layout: layoutBesideKubernetes });
  const here = new Set(['patroni', 'agent']);
  return intoContainers({ ...plan, units: plan.units.filter(({ component }) => here.has(component)) }, tags);
}

export interface FolderFile {
  readonly path: string;
  readonly content: string | Buffer;
  readonly mode: number;
}

/** Every file of the folder of one host (see dockerHosts), what its images are built from in `docker/`. */
export function dockerFolder({ plan, settings, context }: DockerPlan, host: string | undefined): readonly FolderFile[] {
  return [
    ...renderDocker(plan, settings, host).map(({ path, text, mode }) => ({ path, content: text, mode })),
    ...context.map(({ name, content, mode }) => ({ path: `docker/${name}`, content, mode })),
  ];
}

/** The folders of all hosts below each other, or the only one itself. */
export function dockerFolders(planned: DockerPlan): readonly FolderFile[] {
  const { plan, settings } = planned;
  const hosts = dockerHosts(plan, settings).filter((host) => host !== undefined);
  if (hosts.length === 0) return dockerFolder(planned, undefined);
  const below = hosts.flatMap((host) =>
    dockerFolder(planned, host).map((file) => ({ ...file, path: `${host}/${file.path}` })),
  );
  return [
    ...below,
    ...renderInstructions(plan, settings).map(({ path, text, mode }) => ({ path, content: text, mode })),
  ];
}
