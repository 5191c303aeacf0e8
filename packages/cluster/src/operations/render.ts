import { mkdir, readdir, writeFile } from 'node:fs/promises';
import { dirname, join, relative, resolve } from 'node:path';
import { planCluster } from '@holdfast/components';
import { findAccounts, findTools } from '@holdfast/runtime';
import { redactTemplate } from '@holdfast/spec';
import { renderTargetNotEmpty, renderToolsMissing } from '../errors.js';
import { type OpenOptions, openCluster } from '../open-cluster.js';

/**
 * Writes every file of the plan to `folder`, below the path it would have in the state folder, and the plan itself as plan.json.
 * Secrets are not in them: `<secret:NAME>` stands in their places. Starts nothing. Answers the files, relative to `folder`.
 */
export async function renderToFolder(
  options: OpenOptions & { readonly folder: string; readonly signal: AbortSignal },
): Promise<readonly string[]> {
  const folder = resolve(options.cwd, options.folder);
  if ((await readdir(folder).catch(() => [])).length > 0) throw renderTargetNotEmpty(folder);
  const context = await openCluster(options);
  await using _runtime = context.runtime;
  const { spec, stateDirectory } = context;
  const search = await findTools({ major: spec.postgres.version, signal: options.signal });
  if (search.tools === undefined) throw renderToolsMissing(search.missing.map(({ reason }) => reason));
  const plan = planCluster({ spec, layout: { stateDirectory, tools: search.tools, accounts: await findAccounts() } });
  const files = plan.units.flatMap((unit) =>
    unit.files.map(({ path, content }) => ({ path: relative(stateDirectory, path), text: redactTemplate(content) })),
  );
  files.push({ path: 'plan.json', text: `${JSON.stringify(plan, null, 2)}\n` });
  for (const { path, text } of files) {
    const target = join(folder, path);
    await mkdir(dirname(target), { recursive: true });
    await writeFile(target, text);
  }
  return files.map(({ path }) => path);
}
