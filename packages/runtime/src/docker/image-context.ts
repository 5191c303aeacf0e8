import { createHash } from 'node:crypto';
import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { programNotBuilt } from '../errors.js';
import { nativePackageFiles } from '../process/tools/native-packages.js';

/** One file that images are built from. */
export interface ContextFile {
  /** Relative to `docker/`. */
  readonly name: string;
  readonly content: Buffer;
  readonly mode: number;
}

const images = fileURLToPath(new URL('../../images', import.meta.url));
const bundles = [
  '../../../agent/dist/agent.mjs',
  '../../../net-worker/dist/net.mjs',
  '../../../../services/gateway/dist/api.mjs',
].map((path) => fileURLToPath(new URL(path, import.meta.url)));

/** The build context of all images: packages/runtime/images and our bundled programs. Throws HF_RUNTIME_PROGRAM_NOT_BUILT. */
export function readImageContext(): readonly ContextFile[] {
  const own = readdirSync(images)
    .sort()
    .map((name) => join(images, name));
  const named = [...own, ...bundles].map((path) => {
    if (!existsSync(path)) throw programNotBuilt(path);
    const isProgram = (statSync(path).mode & 0o100) !== 0 && !path.endsWith('.mjs');
    return { name: path.replace(/^.*\//, ''), content: readFileSync(path), mode: isProgram ? 0o755 : 0o644 };
  });
  const native = nativePackageFiles(bundles.at(-1) ?? '').map(({ name, path }) => ({
    name: `node_modules/${name}`,
    content: readFileSync(path),
    mode: 0o644,
  }));
  return [...named, ...native];
}

/** What only the API's image is built from: another API must not be another image of the database, whose members would restart for it. */
export function isOfApi({ name }: ContextFile): boolean {
  return name === 'Dockerfile.api' || name === 'api.mjs' || name.startsWith('node_modules/');
}

/** The tag of images made from this context: another content has another tag, so that what runs is what was built from it. */
export function contextVersion(context: readonly ContextFile[], baseImage: string): string {
  const hash = createHash('sha256').update(baseImage);
  for (const { name, content, mode } of context) hash.update(`\0${name}\0${mode}\0`).update(content);
  return hash.digest('hex').slice(0, 12);
}
