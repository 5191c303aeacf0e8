import { ExitCode, HoldfastError, type HoldfastErrorFields } from '@holdfast/spec/errors';

export function locked(
  path: string,
  holder: { readonly pid: number; readonly command: string } | undefined,
): HoldfastError {
  const who = holder === undefined ? 'another process' : `process ${holder.pid} (${holder.command})`;
  return new HoldfastError({
    code: 'HF_LOCKED',
    message: `Somebody else is working on this cluster: ${who} holds ${path}.`,
    suggestion: 'Wait until it is done, or end it, and try again.',
    exitCode: ExitCode.locked,
  });
}

export function supervisorNotStarted(log: string, lastLines: readonly string[], cause?: unknown): HoldfastError {
  return new HoldfastError({
    code: 'HF_RUNTIME_SUPERVISOR_START',
    message: 'The supervisor did not start.',
    detail: lastLines.join('\n'),
    suggestion: `Its log is ${log}.`,
    cause,
  });
}

export function supervisorSilent(pid: number | undefined, what: string, cause?: unknown): HoldfastError {
  return new HoldfastError({
    code: 'HF_RUNTIME_SUPERVISOR_SILENT',
    message: `The supervisor${pid === undefined ? '' : ` (process ${pid})`} did not answer (${what}).`,
    suggestion:
      'The units go on running without it. End it with SIGKILL if it hangs; `holdfast up` then takes them back.',
    exitCode: ExitCode.timeout,
    cause,
  });
}

export function unknownUnit(unit: string, known: readonly string[]): HoldfastError {
  return new HoldfastError({
    code: 'HF_RUNTIME_UNKNOWN_UNIT',
    message: `There is no unit ${unit}.`,
    suggestion: known.length === 0 ? 'Nothing was started yet: `holdfast up`.' : `There are: ${known.join(', ')}.`,
    exitCode: ExitCode.usage,
  });
}

export function foreignPlan(stateDirectory: string, expected: string, found: string): HoldfastError {
  return new HoldfastError({
    code: 'HF_RUNTIME_FOREIGN_PLAN',
    message: `The plan is of cluster ${found}, but ${stateDirectory} belongs to cluster ${expected}.`,
    suggestion: 'Use another state folder, or the cluster name that this one was made with.',
    exitCode: ExitCode.state,
  });
}

export function unitWouldNotStop(unit: string, pids: readonly number[]): HoldfastError {
  return new HoldfastError({
    code: 'HF_RUNTIME_STOP_STUCK',
    message: `Processes of ${unit} did not end, not even by SIGKILL: ${pids.join(', ')}.`,
    suggestion: 'They hang in the kernel, mostly on a disk or network file system that does not answer.',
    exitCode: ExitCode.timeout,
  });
}

export function unknownAccount(unit: string, user: string): HoldfastError {
  return new HoldfastError({
    code: 'HF_RUNTIME_ACCOUNT',
    message: `Unit ${unit} runs as ${user}, and there is no such account in /etc/passwd.`,
    suggestion: 'Install the package that brings the account, or create it.',
    exitCode: ExitCode.environment,
  });
}

export function secretsMissing(path: string, cause?: unknown): HoldfastError {
  return new HoldfastError({
    code: 'HF_RUNTIME_SECRETS',
    message: `The secrets in ${path} cannot be read, or are not those of this cluster.`,
    suggestion: 'Put the file back from a backup: without it the cluster cannot be reached.',
    exitCode: ExitCode.state,
    cause,
  });
}

export function programFailed(program: string, what: string): HoldfastError {
  return new HoldfastError({
    code: 'HF_RUNTIME_PROGRAM',
    message: `${program} failed: ${what}.`,
    suggestion: `Check that ${program} is installed (package util-linux) and may run.`,
    exitCode: ExitCode.environment,
  });
}

/** An error that the supervisor reported, as it was there. */
export function reportedError(fields: HoldfastErrorFields): HoldfastError {
  return new HoldfastError(fields);
}

export function toolsMissing(lines: readonly string[], command: string): HoldfastError {
  return new HoldfastError({
    code: 'HF_TOOLS_MISSING',
    message: 'Programs that the cluster is made of are missing on this machine.',
    detail: lines.join('\n'),
    suggestion: `Install them, then try again:\n  ${command}`,
    exitCode: ExitCode.environment,
  });
}

export function toolUnusable(what: string, reason: string, suggestion: string): HoldfastError {
  return new HoldfastError({
    code: 'HF_TOOLS_UNUSABLE',
    message: `${what} cannot be used: ${reason}`,
    suggestion,
    exitCode: ExitCode.environment,
  });
}

export function installFailed(command: string, output: string): HoldfastError {
  return new HoldfastError({
    code: 'HF_TOOLS_INSTALL',
    message: `${command} failed.`,
    detail: output.trim().split('\n').slice(-12).join('\n'),
    suggestion:
      'Mend what the package manager says (network, mirror, a held package, a full disk), then run the same command again.',
    exitCode: ExitCode.environment,
  });
}

export function patroniNotFetched(reason: string, suggestion: string): HoldfastError {
  return new HoldfastError({
    code: 'HF_TOOLS_PATRONI',
    message: 'No Patroni 4 or later could be found or fetched.',
    detail: reason,
    suggestion,
    exitCode: ExitCode.environment,
  });
}

export function programNotBuilt(path: string): HoldfastError {
  return new HoldfastError({
    code: 'HF_RUNTIME_PROGRAM_NOT_BUILT',
    message: 'A program of Holdfast is not there.',
    detail: `${path} is missing.`,
    suggestion: 'Run `sh scripts/build.sh` in the folder of Holdfast.',
    exitCode: ExitCode.environment,
  });
}

export function privatePostgresFailed(reason: string): HoldfastError {
  return new HoldfastError({
    code: 'HF_SHADOW_START',
    message: 'The temporary PostgreSQL for the shadow database did not start. The cluster is as it was.',
    detail: reason,
    suggestion:
      'Look at the lines above; it needs some 60 MB in a temporary folder (TMPDIR) and the programs of PostgreSQL.',
    exitCode: ExitCode.environment,
  });
}

export function dockerMissing(program: string, cause: unknown): HoldfastError {
  return new HoldfastError({
    code: 'HF_DOCKER_MISSING',
    message: `The command ${program} is not there.`,
    suggestion: 'Install Docker (on Debian: apt-get install docker.io docker-compose), or use `runtime: process`.',
    exitCode: ExitCode.environment,
    cause,
  });
}

export function composeMissing(): HoldfastError {
  return new HoldfastError({
    code: 'HF_DOCKER_COMPOSE_MISSING',
    message: 'Neither `docker compose` nor `docker-compose` is there.',
    suggestion:
      "Install Compose: the plugin docker-compose-v2 or docker-compose-plugin, or Debian 12's docker-compose.",
    exitCode: ExitCode.environment,
  });
}

export function composeWithoutSsh(output: string): HoldfastError {
  return new HoldfastError({
    code: 'HF_DOCKER_COMPOSE_SSH',
    message: 'docker-compose cannot reach engines by ssh here.',
    detail: lastLines(output),
    suggestion: 'Install python3-paramiko, which it asks for, or Compose v2, the plugin of docker.',
    exitCode: ExitCode.environment,
  });
}

export function dockerNoEngine(output: string): HoldfastError {
  return new HoldfastError({
    code: 'HF_DOCKER_NO_ENGINE',
    message: 'No Docker engine answers.',
    detail: lastLines(output),
    suggestion: 'Start it (systemctl start docker), or set DOCKER_HOST to one that runs.',
    exitCode: ExitCode.environment,
  });
}

export function dockerDenied(output: string): HoldfastError {
  return new HoldfastError({
    code: 'HF_DOCKER_DENIED',
    message: "The Docker engine's socket is closed to this account.",
    detail: lastLines(output),
    suggestion:
      'Run it as root, or add the account to the group docker (which makes it as good as root) and log in anew.',
    exitCode: ExitCode.environment,
  });
}

export function dockerPortTaken(port: string, output: string): HoldfastError {
  return new HoldfastError({
    code: 'HF_DOCKER_PORT_TAKEN',
    message: `${port} is taken on the Docker host.`,
    detail: lastLines(output),
    suggestion:
      'Stop what listens there, or choose other `ports` in holdfast.yaml (`ports: auto` finds free ones); then run it again.',
    exitCode: ExitCode.environment,
  });
}

export function dockerSubnetTaken(output: string): HoldfastError {
  return new HoldfastError({
    code: 'HF_DOCKER_SUBNET',
    message: 'The network of the containers overlaps with another one of this engine.',
    detail: lastLines(output),
    suggestion:
      'Set `docker.subnet` in holdfast.yaml to a free one; `docker network ls` and `docker network inspect` show those in use.',
    exitCode: ExitCode.environment,
  });
}

export function dockerImageMissing(image: string, output: string): HoldfastError {
  return new HoldfastError({
    code: 'HF_DOCKER_IMAGE',
    message: `The image ${image} is not there.`,
    detail: lastLines(output),
    suggestion:
      '`holdfast up` builds its own images; load or pull the one that they are built from (`docker.baseImage`, node:20-bookworm-slim).',
    exitCode: ExitCode.environment,
  });
}

export function dockerFailed(command: string, output: string): HoldfastError {
  return new HoldfastError({
    code: 'HF_DOCKER_FAILED',
    message: `${command} failed.`,
    detail: lastLines(output),
    suggestion: 'Mend what it says, then run the same command again: it goes on where this one stopped.',
    exitCode: ExitCode.failure,
  });
}

export function dockerContainerGone(unit: string, container: string): HoldfastError {
  return new HoldfastError({
    code: 'HF_DOCKER_CONTAINER_GONE',
    message: `The container ${container} of ${unit} is not there.`,
    suggestion: 'holdfast up',
    exitCode: ExitCode.state,
  });
}

function lastLines(output: string): string {
  return output.trim().split('\n').slice(-8).join('\n');
}
