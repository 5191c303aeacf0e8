import { createHash } from 'node:crypto';
import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { programNotBuilt } from '../errors.js';

/** One file that images are built from. */
export interface ContextFile {
  readonly name: string;
  readonly content: Buffer;
  readonly mode: number;
}

const images = fileURLToPath(new URL('../../images', import.meta.url));
const programs = ['../../../agent/dist/agent.mjs', '../../../net-worker/dist/net.mjs'].map((path) =>
  fileURLToPath(new URL(path, import.meta.url)),
);

/** The build context of all images: packages/runtime/images and our bundled programs. Throws HF_RUNTIME_PROGRAM_NOT_BUILT. */
export function readImageContext(): readonly ContextFile[] {
  const own = readdirSync(images)
    .sort()
    .map((name) => join(images, name));
  return [...own, ...programs].map((path) => {
    if (!existsSync(path)) throw programNotBuilt(path);
    const isProgram = (statSync(path).mode & 0o100) !== 0 && !path.endsWith('.mjs');
    return { name: path.replace(/^.*\//, ''), content: readFileSync(path), mode: isProgram ? 0o755 : 0o644 };
  });
}

/** The tag of images made from this context: another content has another tag, so that what runs is what was built from it. */
export function contextVersion(context: readonly ContextFile[], baseImage: string): string {
  const hash = createHash('sha256').update(baseImage);
  for (const { name, content, mode } of context) hash.update(`\0${name}\0${mode}\0`).update(content);
  return hash.digest('hex').slice(0, 12);
}
