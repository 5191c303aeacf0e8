import { HoldfastError } from '@holdfast/spec/errors';
import { dockerImageMissing } from '../errors.js';
import { type Container, imageOf } from './containers.js';
import type { DockerSettings } from './docker-settings.js';
import type { Engine } from './engine.js';

const buildMilliseconds = 20 * 60_000;

/**
 * Builds the images that the engine does not have from the rendered folder's `docker/`. `build` false: throws HF_DOCKER_IMAGE instead.
 * What was built earlier is found in the engine's cache.
 */
export async function ensureImages(
  engine: Engine,
  folder: string,
  containers: readonly Container[],
  settings: DockerSettings,
  options: {
    readonly build: boolean;
    readonly signal: AbortSignal;
    readonly progress: (text: string) => void;
  },
): Promise<void> {
  const { signal, progress } = options;
  const images = new Map(containers.map(({ image, units }) => [image, imageOf(units[0])]));
  for (const [image, name] of images) {
    if (await hasImage(engine, image, signal)) continue;
    const build = buildCommand(folder, `Dockerfile.${name}`, image, settings.baseImage);
    if (!options.build) throw dockerImageMissing(image, `docker ${build.join(' ')}`);
    progress(`Building the image ${image}`);
    await engine.docker(build, { signal, timeoutMilliseconds: buildMilliseconds });
  }
}

async function hasImage(engine: Engine, image: string, signal: AbortSignal): Promise<boolean> {
  try {
    await engine.docker(['image', 'inspect', '--format', '{{.Id}}', image], { signal });
    return true;
  } catch (error) {
    if (error instanceof HoldfastError && error.code === 'HF_DOCKER_IMAGE') return false;
    throw error;
  }
}

function buildCommand(folder: string, dockerfile: string, image: string, baseImage: string): readonly string[] {
  const args = { BASE: baseImage, VERSION: image.replace(/^.*:/, '') };
  return [
    ...['build', '--quiet', '--file', `${folder}/docker/${dockerfile}`, '--tag', image],
    ...Object.entries(args).flatMap(([key, value]) => ['--build-arg', `${key}=${value}`]),
    `${folder}/docker`,
  ];
}
