import { chown, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { StatusReport } from '@holdfast/cluster';
import { type CliOptions, type CliResult, runCli } from './run-cli.js';
import { createThrowAwayFolder } from './throw-away-folder.js';

/** A cluster in a folder of its own, driven through the command line only. */
export interface TestCluster extends AsyncDisposable {
  readonly folder: string;
  /** Runs a command; any exit code. */
  holdfast(args: readonly string[], options?: Partial<CliOptions>): Promise<CliResult>;
  /** Runs a command with --json that must succeed; answers the document. */
  json<Document>(args: readonly string[], options?: Partial<CliOptions>): Promise<Document>;
  /** Runs a command with --json that must be refused; answers its exit code and its error. */
  refused(args: readonly string[], options?: Partial<CliOptions>): Promise<RefusedCommand>;
  /** What an application is given, by name; `holdfast env`. */
  environment(): Promise<Readonly<Record<string, string>>>;
  status(): Promise<StatusReport>;
  /** Connection URI; `holdfast url …`. */
  url(...args: readonly string[]): Promise<string>;
  writeSpec(yaml: string): Promise<void>;
}

export interface RefusedCommand {
  readonly code: number | null;
  /** As --json prints it. */
  readonly error: {
    readonly code: string;
    readonly message: string;
    readonly detail?: string;
    readonly suggestion?: string;
  };
}

/** What every test cluster has unless the test says otherwise: ports that nobody else has, and little memory. */
export const testSpec = 'name: test\nports: auto\nresources:\n  memory: 1GiB\n';

/** Makes the folder and its spec; nothing is started. Disposing ends and deletes everything. `defaults` hold for every command. */
export async function createTestCluster(
  yaml: string = testSpec,
  defaults: Partial<CliOptions> = {},
): Promise<TestCluster> {
  const folder = await createThrowAwayFolder();
  if (defaults.account !== undefined) await chown(folder.path, defaults.account.uid, defaults.account.gid);
  const holdfast = async (args: readonly string[], options: Partial<CliOptions> = {}) =>
    await runCli(args, { cwd: folder.path, ...defaults, ...options });
  const json = async <Document>(args: readonly string[], options: Partial<CliOptions> = {}) => {
    const result = await holdfast([...args, '--json'], options);
    if (result.code !== 0)
      throw new Error(`holdfast ${args.join(' ')} ended with ${result.code}\n${result.stdout}\n${result.stderr}`);
    return JSON.parse(result.stdout) as Document;
  };
  const refused = async (args: readonly string[], options: Partial<CliOptions> = {}) => {
    const { code, stdout, stderr } = await holdfast([...args, '--json'], options);
    if (code === 0) throw new Error(`holdfast ${args.join(' ')} was not refused\n${stdout}\n${stderr}`);
    return { code, ...(JSON.parse(stdout) as Pick<RefusedCommand, 'error'>) };
  };
  const writeSpec = async (text: string) => await writeFile(join(folder.path, 'holdfast.yaml'), text);
  await writeSpec(yaml);
  return {
    folder: folder.path,
    holdfast,
    json,
    refused,
    async environment() {
      const { stdout } = await holdfast(['env']);
      return Object.fromEntries(
        [...stdout.matchAll(/^([A-Z_]+)="?([^"\n]*)"?$/gm)].map(([, name = '', value = '']) => [name, value]),
      );
    },
    status: async () => JSON.parse((await holdfast(['status', '--json'])).stdout) as StatusReport,
    url: async (...args) => (await json<{ url: string }>(['url', ...args])).url,
    writeSpec,
    [Symbol.asyncDispose]: async () => await folder[Symbol.asyncDispose](),
  };
}

/** The same, brought up. */
export async function startTestCluster(yaml: string = testSpec): Promise<TestCluster> {
  const cluster = await createTestCluster(yaml);
  try {
    await cluster.json(['up', '--no-install']);
    return cluster;
  } catch (error) {
    await cluster[Symbol.asyncDispose]();
    throw error;
  }
}
