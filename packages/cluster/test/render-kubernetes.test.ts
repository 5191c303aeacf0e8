import { mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseSpecFile } from '@holdfast/spec';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { renderToFolder } from '../src/operations/render.js';
import { specInKubernetes } from '../src/operations/render-kubernetes.js';

describe('rendering for Kubernetes', () => {
  const { signal } = new AbortController();
  let cwd = '';
  beforeEach(async () => {
    cwd = await mkdtemp(join(tmpdir(), 'holdfast-render-'));
  });
  afterEach(() => rm(cwd, { recursive: true, force: true }));

  it('writes the folder, a program that can be run among it, and nothing else', async () => {
    await writeFile(join(cwd, 'holdfast.yaml'), 'name: shop\nlisten: 10.0.0.1\nports: auto\nresources: {cores: 64}\n');
    const { files } = await renderToFolder({ runtime: 'kubernetes', file: undefined, cwd, folder: 'out', signal });
    expect(files).toContain('k8s/kustomization.yaml');
    expect(await readFile(join(cwd, 'out/k8s/namespace.yaml'), 'utf8')).toContain('name: shop');
    expect((await stat(join(cwd, 'out/k8s/make-secrets'))).mode & 0o111).toBe(0o111);
    expect((await stat(join(cwd, 'out/k8s/postgres.yaml'))).mode & 0o111).toBe(0);
    // A state folder is nothing that rendering needs.
    await expect(stat(join(cwd, '.holdfast'))).rejects.toThrow();
  });

  it('writes over nothing', async () => {
    const once = () => renderToFolder({ runtime: 'kubernetes', file: undefined, cwd: tmpdir(), folder: cwd, signal });
    await once();
    await expect(once()).rejects.toMatchObject({ code: 'HF_RENDER_NOT_EMPTY' });
  });

  it('leaves out what the file says of this machine', () => {
    const file = parseSpecFile('hosts: [{address: 10.0.0.1}]\nlisten: 10.0.0.9\nresources: {memory: 64GiB}', 'f');
    expect(specInKubernetes(file)).toEqual(specInKubernetes({}));
    const kept = specInKubernetes(parseSpecFile('ports: {postgres: 6000}', 'f'));
    expect(kept.members.map(({ port }) => port)).toEqual([6000, 6000, 6000]);
  });
});
