import { mkdir, readdir, writeFile } from 'node:fs/promises';
import { dirname, join, relative, resolve } from 'node:path';
import { planCluster } from '@holdfast/components';
import { dockerFolders, type FolderFile, findAccounts, findTools, planDocker } from '@holdfast/runtime';
import { type RuntimeKind, redactTemplate, resolveSpec } from '@holdfast/spec';
import { renderTargetNotEmpty, renderToolsMissing } from '../errors.js';
import { loadSpec, type OpenOptions, openCluster, thisMachine } from '../open-cluster.js';
import { kubernetesFiles } from './render-kubernetes.js';

export interface RenderOptions extends OpenOptions {
  /** Default: what runs the cluster, or what the file says. */
  readonly runtime?: RuntimeKind | undefined;
  readonly folder: string;
  readonly signal: AbortSignal;
}

/** Writes what the runtime would run to a new or empty folder, without secrets, and starts nothing. Answers the files, relative to it. */
export async function renderToFolder(
  options: RenderOptions,
): Promise<{ readonly runtime: RuntimeKind; readonly files: readonly string[] }> {
  const folder = resolve(options.cwd, options.folder);
  if ((await readdir(folder).catch(() => [])).length > 0) throw renderTargetNotEmpty(folder);
  const runtime = options.runtime ?? (await runtimeOf(options));
  const files = await renderers[runtime](options);
  for (const { path, content, mode } of files) {
    const target = join(folder, path);
    await mkdir(dirname(target), { recursive: true });
    await writeFile(target, content, { mode });
  }
  return { runtime, files: files.map(({ path }) => path) };
}

async function runtimeOf(options: RenderOptions): Promise<RuntimeKind> {
  const { file } = await loadSpec(options);
  if (file.runtime === 'kubernetes') return file.runtime;
  const { spec, runtime } = await openCluster(options);
  await using _runtime = runtime;
  return spec.runtime;
}

const renderers: Readonly<Record<RuntimeKind, (options: RenderOptions) => Promise<readonly FolderFile[]>>> = {
  process: renderProcesses,
  docker: renderContainers,
  kubernetes: kubernetesFiles,
};

/** Each file below the path it would have in the state folder, and the plan itself as plan.json. `<secret:NAME>` stands for a secret. */
async function renderProcesses(options: RenderOptions): Promise<readonly FolderFile[]> {
  const context = await openCluster({ ...options, runtime: 'process' });
  await using _runtime = context.runtime;
  const { spec, stateDirectory } = context;
  const search = await findTools({ major: spec.postgres.version, signal: options.signal });
  if (search.tools === undefined) throw renderToolsMissing(search.missing.map(({ reason }) => reason));
  const plan = planCluster({ spec, layout: { stateDirectory, tools: search.tools, accounts: await findAccounts() } });
  const files = plan.units.flatMap((unit) =>
    unit.files.map(({ path, content }) => ({ path: relative(stateDirectory, path), content: redactTemplate(content) })),
  );
  files.push({ path: 'plan.json', content: `${JSON.stringify(plan, null, 2)}\n` });
  return files.map((file) => ({ ...file, mode: 0o644 }));
}

/** A folder for Docker Compose, or one for each Docker host. */
async function renderContainers(options: RenderOptions): Promise<readonly FolderFile[]> {
  const { file } = await loadSpec(options);
  // What runs it is Kubernetes as well.
  if (file.kubernetes?.members === 'docker')
    return dockerFolders(planDocker(resolveSpec({ ...file, runtime: 'docker' }, thisMachine(), undefined)));
  const { spec, runtime } = await openCluster({ ...options, runtime: 'docker' });
  await using _runtime = runtime;
  return dockerFolders(planDocker(spec));
}
