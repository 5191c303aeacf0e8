import { spawnSync } from 'node:child_process';

/** Why tests that need a Docker engine and Compose cannot run here; undefined: they can. */
export function dockerMissing(): string | undefined {
  const answers = (program: string, ...args: readonly string[]) =>
    spawnSync(program, args, { stdio: 'ignore', timeout: 20_000 }).status === 0;
  if (!answers('docker', 'version')) return 'no Docker engine answers';
  if (!answers('docker', 'compose', 'version') && !answers('docker-compose', 'version')) return 'Compose is missing';
  return undefined;
}

/** Standard output of a docker command that must succeed. */
export function docker(...args: readonly string[]): string {
  const { status, stdout, stderr } = spawnSync('docker', args, { encoding: 'utf8', timeout: 120_000 });
  if (status !== 0) throw new Error(`docker ${args.join(' ')} ended with ${status}\n${stdout}${stderr}`);
  return stdout.trim();
}
