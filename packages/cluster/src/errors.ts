import { ExitCode, HoldfastError } from '@holdfast/spec';

export function noLeader(cluster: string, action: string): HoldfastError {
  return new HoldfastError({
    code: 'HF_CLUSTER_NO_LEADER',
    message: `Cluster ${cluster} has no leader, so ${action} is not possible.`,
    suggestion: 'Look at `holdfast status`; `holdfast failover --to NAME` promotes a member that is not the leader.',
    exitCode: ExitCode.state,
  });
}

export function unknownMember(name: string, known: readonly string[], similar: string | undefined): HoldfastError {
  return new HoldfastError({
    code: 'HF_CLUSTER_UNKNOWN_MEMBER',
    message: `There is no member ${name}.`,
    detail: `The members are ${known.join(', ')}.`,
    suggestion: similar ? `Did you mean ${similar}?` : `Name one of ${known.join(', ')}.`,
    exitCode: ExitCode.state,
  });
}

export function memberUnreachable(name: string): HoldfastError {
  return new HoldfastError({
    code: 'HF_CLUSTER_MEMBER_UNREACHABLE',
    message: `The Patroni of member ${name} does not answer.`,
    suggestion: `See \`holdfast logs ${name}\`; \`holdfast up\` starts what is not running.`,
    exitCode: ExitCode.state,
  });
}

export function nobodyAnswers(cluster: string): HoldfastError {
  return new HoldfastError({
    code: 'HF_CLUSTER_UNREACHABLE',
    message: `No Patroni of cluster ${cluster} answers.`,
    suggestion: 'Start the cluster with `holdfast up`, or look at `holdfast status`.',
    exitCode: ExitCode.state,
  });
}

export function leaderSilent(name: string): HoldfastError {
  return new HoldfastError({
    code: 'HF_SWITCHOVER_LEADER_SILENT',
    message: `The leader ${name} does not answer, so it cannot hand over.`,
    suggestion: 'Patroni replaces it by itself within its ttl; `holdfast failover` asks for it.',
    exitCode: ExitCode.state,
  });
}

export function alreadyLeader(name: string): HoldfastError {
  return new HoldfastError({
    code: 'HF_SWITCHOVER_ALREADY_LEADER',
    message: `${name} is the leader already.`,
    suggestion: 'Name another member, or leave `--to` out to have one chosen.',
    exitCode: ExitCode.state,
  });
}

/** `reasons`: one line a member, why it cannot be promoted. */
export function noCandidate(action: string, reasons: readonly string[]): HoldfastError {
  return new HoldfastError({
    code: 'HF_SWITCHOVER_NO_CANDIDATE',
    message: `No member can take over, so ${action} is not possible.`,
    ...(reasons.length > 0 ? { detail: reasons.join('\n') } : {}),
    suggestion: 'Look at `holdfast status` and `holdfast doctor`.',
    exitCode: ExitCode.state,
  });
}

export function candidateRefused(name: string, reason: string): HoldfastError {
  return new HoldfastError({
    code: 'HF_SWITCHOVER_CANDIDATE',
    message: `${name} cannot take over: ${reason}.`,
    suggestion: 'Leave `--to` out to have a member chosen, or look at `holdfast status`.',
    exitCode: ExitCode.state,
  });
}

export function pausedNeedsCandidate(): HoldfastError {
  return new HoldfastError({
    code: 'HF_SWITCHOVER_PAUSED',
    message: 'The cluster is paused, so the member to switch to must be named.',
    suggestion: 'Add `--to NAME`, or end the pause with `holdfast resume`.',
    exitCode: ExitCode.state,
  });
}

export function actionTimedOut(action: string, waited: number, state: string): HoldfastError {
  return new HoldfastError({
    code: 'HF_CLUSTER_TIMEOUT',
    message: `${action} did not come to its end within ${Math.round(waited / 1000)} s.`,
    detail: state,
    suggestion: 'It may still happen: look at `holdfast status`.',
    exitCode: ExitCode.timeout,
  });
}

export function actionFailed(action: string, words: string, cause: unknown): HoldfastError {
  return new HoldfastError({
    code: 'HF_CLUSTER_ACTION_FAILED',
    message: `${action} failed.`,
    detail: `Patroni says: ${words}`,
    suggestion: 'Look at `holdfast status` and `holdfast logs`.',
    cause,
  });
}

export function mayLoseData(candidate: string, what: string): HoldfastError {
  return new HoldfastError({
    code: 'HF_FAILOVER_MAY_LOSE_DATA',
    message: `Promoting ${candidate} may lose acknowledged writes: ${what}.`,
    suggestion: 'Bring the old primary back if you can; to go on all the same add `--allow-data-loss`.',
    exitCode: ExitCode.state,
  });
}

export function reinitLeader(name: string): HoldfastError {
  return new HoldfastError({
    code: 'HF_REINIT_LEADER',
    message: `${name} is the leader: its data is the cluster's and is not thrown away.`,
    suggestion: 'Switch over first: `holdfast switchover`.',
    exitCode: ExitCode.state,
  });
}

export function reinitUnconfirmed(name: string, dataDirectory: string): HoldfastError {
  return new HoldfastError({
    code: 'HF_REINIT_UNCONFIRMED',
    message: `Reinitialising ${name} deletes ${dataDirectory} and copies it anew from another member.`,
    suggestion: 'Confirm with `--yes`.',
    exitCode: ExitCode.usage,
  });
}

export function configKeyRefused(key: string, reason: string, suggestion: string): HoldfastError {
  return new HoldfastError({
    code: 'HF_CONFIG_KEY',
    message: `${key} cannot be set: ${reason}.`,
    suggestion,
    exitCode: ExitCode.usage,
  });
}

export function configSyntax(given: string): HoldfastError {
  return new HoldfastError({
    code: 'HF_CONFIG_SYNTAX',
    message: `${JSON.stringify(given)} is not KEY=VALUE.`,
    suggestion: 'For example `holdfast config set postgresql.parameters.work_mem=64MB`; the value null removes a key.',
    exitCode: ExitCode.usage,
  });
}

export function etcdRepairRefused(member: string, reason: string, suggestion: string): HoldfastError {
  return new HoldfastError({
    code: 'HF_ETCD_REPAIR',
    message: `The etcd member ${member} cannot be repaired: ${reason}.`,
    suggestion,
    exitCode: ExitCode.state,
  });
}

export function stateDirectoryUnusable(path: string, why: string): HoldfastError {
  return new HoldfastError({
    code: 'HF_STATE_UNUSABLE',
    message: `The data directory ${path} cannot be used: ${why}.`,
    suggestion: 'Name another dataDirectory in holdfast.yaml, or leave it out.',
    exitCode: ExitCode.environment,
  });
}

export function stateDirectoryForeign(path: string, there: string, wanted: string): HoldfastError {
  return new HoldfastError({
    code: 'HF_STATE_FOREIGN',
    message: `${path} holds the cluster "${there}", not "${wanted}".`,
    suggestion: `Give "${wanted}" a dataDirectory of its own, or set name: ${there}. Nothing was changed.`,
    exitCode: ExitCode.state,
  });
}

export function stateDirectoryNotOurs(path: string): HoldfastError {
  return new HoldfastError({
    code: 'HF_STATE_NOT_OURS',
    message: `${path} holds files that are not a Holdfast cluster's. Nothing was changed.`,
    suggestion: 'Name an empty or a new folder as dataDirectory.',
    exitCode: ExitCode.usage,
  });
}

export function secretsDamaged(path: string, why: string, cause?: unknown): HoldfastError {
  return new HoldfastError({
    code: 'HF_SECRETS_DAMAGED',
    message: `The secrets of this cluster cannot be read: ${why} (${path}).`,
    suggestion: 'Restore the file from a copy. New secrets would not fit the existing database, so none were made.',
    exitCode: ExitCode.state,
    cause,
  });
}

/** A cluster of a version that had none, or the file is gone. */
export function keysMissing(cluster: string): HoldfastError {
  return new HoldfastError({
    code: 'HF_KEYS_MISSING',
    message: `The cluster "${cluster}" has no keys: there is no keys.json in its state folder.`,
    suggestion: '`holdfast up` makes new ones. If there were some, restore the file from a copy first.',
    exitCode: ExitCode.state,
  });
}

export function notYourCluster(path: string): HoldfastError {
  return new HoldfastError({
    code: 'HF_STATE_NOT_YOURS',
    message: `${path} belongs to another account.`,
    suggestion:
      'Run holdfast as the account that brought this cluster up (sudo holdfast …), or in a folder of your own.',
    exitCode: ExitCode.environment,
  });
}

export function noFreePorts(host: string, from: number, to: number): HoldfastError {
  return new HoldfastError({
    code: 'HF_PORTS_NONE_FREE',
    message: `No free port was found on ${host} between ${from} and ${to}.`,
    suggestion: 'Stop what uses them, or name ports in holdfast.yaml.',
    exitCode: ExitCode.environment,
  });
}

export function portsTaken(lines: readonly string[]): HoldfastError {
  return new HoldfastError({
    code: 'HF_PORTS_TAKEN',
    message: 'Ports that the cluster needs are in use. Nothing was started.',
    detail: lines.join('\n'),
    suggestion: 'Stop their holders, or set other ports in holdfast.yaml (`ports: auto` picks free ones).',
    exitCode: ExitCode.environment,
  });
}

export function namespacesMissing(names: readonly string[]): HoldfastError {
  return new HoldfastError({
    code: 'HF_NAMESPACES_MISSING',
    message: `The spec's hosts name network namespaces that are not there: ${names.join(', ')}. Nothing was started.`,
    suggestion: `Make them (ip netns add ${names[0]}, an address in each, a way between them), or correct \`hosts\` in holdfast.yaml.`,
    exitCode: ExitCode.environment,
  });
}

export function namespacesNeedRoot(): HoldfastError {
  return new HoldfastError({
    code: 'HF_NAMESPACES_NEED_ROOT',
    message: "The spec's hosts name network namespaces, and only root may run something in them. Nothing was started.",
    suggestion: 'Run it as root, or leave `namespace` out of `hosts`.',
    exitCode: ExitCode.environment,
  });
}

export function diskFull(path: string, freeBytes: number, neededBytes: number): HoldfastError {
  const mebibytes = (bytes: number) => `${Math.floor(bytes / 1024 ** 2)} MiB`;
  return new HoldfastError({
    code: 'HF_DISK_FULL',
    message: `${path} has ${mebibytes(freeBytes)} free; at least ${mebibytes(neededBytes)} are needed. Nothing was started.`,
    suggestion: 'Free some space, or set dataDirectory to a larger file system.',
    exitCode: ExitCode.environment,
  });
}

export function otherMajor(dataDirectory: string, there: string, wanted: number): HoldfastError {
  return new HoldfastError({
    code: 'HF_STATE_MAJOR',
    message: `${dataDirectory} was made by PostgreSQL ${there}; this would start PostgreSQL ${wanted} on it. Nothing was changed.`,
    suggestion: `Set postgres.version: ${there} in holdfast.yaml. A data directory can't be used by another major version; dump and restore, or upgrade it.`,
    exitCode: ExitCode.state,
  });
}

export function otherSystem(dataDirectory: string, there: string, wanted: string): HoldfastError {
  return new HoldfastError({
    code: 'HF_STATE_OTHER_CLUSTER',
    message: `${dataDirectory} belongs to another database cluster (system identifier ${there}; this cluster's is ${wanted}). Nothing was changed.`,
    suggestion: 'Move that folder away; the next `holdfast up` makes this member again from the primary.',
    exitCode: ExitCode.state,
  });
}

export function etcdSizeChanged(from: number, to: number): HoldfastError {
  return new HoldfastError({
    code: 'HF_ETCD_SIZE',
    message: `The number of etcd members of an existing cluster cannot be changed (${from} to ${to}). Nothing was changed.`,
    suggestion: `Set etcd.size back to ${from}.`,
    exitCode: ExitCode.usage,
  });
}

export function addressesChanged(unit: string): HoldfastError {
  return new HoldfastError({
    code: 'HF_ADDRESSES_CHANGED',
    message: `The ports of ${unit} cannot be changed while the cluster exists: the other etcd members know it by them. Nothing was changed.`,
    suggestion: 'Set the ports of etcd back in holdfast.yaml.',
    exitCode: ExitCode.usage,
  });
}

export function primaryWouldGo(member: string): HoldfastError {
  return new HoldfastError({
    code: 'HF_PRIMARY_WOULD_GO',
    message: `${member} would be removed, but it is the primary. Nothing was changed.`,
    suggestion: 'Move the primary first: holdfast switchover --to MEMBER (one that stays), then holdfast up again.',
    exitCode: ExitCode.state,
  });
}

export function notInTime(what: string, seconds: number, detail: string): HoldfastError {
  return new HoldfastError({
    code: 'HF_UP_TIMEOUT',
    message: `${what} did not happen within ${seconds} s.`,
    detail,
    suggestion:
      'See `holdfast status` and `holdfast logs`; what was started goes on, and `holdfast up` continues from here.',
    exitCode: ExitCode.timeout,
  });
}

export function statementWaited(primary: string): HoldfastError {
  return new HoldfastError({
    code: 'HF_UP_WAITED',
    message: `The primary, ${primary}, did not answer a statement in time.`,
    suggestion:
      'In a synchronous mode commits wait for a standby: `holdfast status` shows whether one streams, `holdfast logs` why not. Then run `holdfast up` again: it goes on where it stopped.',
    exitCode: ExitCode.timeout,
  });
}

export function notUp(name: string): HoldfastError {
  return new HoldfastError({
    code: 'HF_NOT_UP',
    message: `The cluster "${name}" has not been started here.`,
    suggestion: 'holdfast up',
    exitCode: ExitCode.state,
  });
}

export function dockerForeign(name: string, found: readonly string[]): HoldfastError {
  return new HoldfastError({
    code: 'HF_DOCKER_FOREIGN',
    message: `The engine has a cluster ${name} already, which was not brought up from here. Nothing was changed.`,
    detail: found.join('\n'),
    suggestion:
      'Give this one another `name` in holdfast.yaml; or run `holdfast down --purge` where the other one was brought up, if nobody needs its data.',
    exitCode: ExitCode.state,
  });
}

export function dockerHostsWithoutEngine(addresses: readonly string[]): HoldfastError {
  return new HoldfastError({
    code: 'HF_DOCKER_HOSTS',
    message: `No engine is named for the Docker hosts ${addresses.join(', ')}.`,
    suggestion:
      'Set `engine` of each in `hosts`, for example ssh://root@ADDRESS; or `holdfast render docker -o FOLDER`, copy each folder to its host and run `docker compose up -d` in it.',
    exitCode: ExitCode.usage,
  });
}

export function imagesOtherMajor(have: number, wanted: number): HoldfastError {
  return new HoldfastError({
    code: 'HF_DOCKER_MAJOR',
    message: `The images hold PostgreSQL ${have}, and ${wanted} is asked for.`,
    suggestion: `Leave \`postgres.version\` out or set it to ${have}; the runtime process takes the versions that are installed.`,
    exitCode: ExitCode.usage,
  });
}

export function onlyForProcesses(command: string, runtime: string): HoldfastError {
  return new HoldfastError({
    code: 'HF_RUNTIME_PROCESS_ONLY',
    message: `${command} is for the runtime process, and this cluster is run by ${runtime}.`,
    suggestion: 'Nothing has to be done: the engine starts the containers again, with the machine too.',
    exitCode: ExitCode.usage,
  });
}

export function runtimeChanged(present: string, wanted: string): HoldfastError {
  return new HoldfastError({
    code: 'HF_RUNTIME_CHANGED',
    message: `The cluster is run by the runtime ${present}, and ${wanted} is asked for.`,
    suggestion: `Its data stays where ${present} keeps it: leave \`runtime: ${present}\`, or give the new cluster another name.`,
    exitCode: ExitCode.state,
  });
}

/** `areInDocker`: how the cluster runs. */
export function membersMoved(areInDocker: boolean): HoldfastError {
  const [present, wanted] = areInDocker ? ['docker', 'kubernetes'] : ['kubernetes', 'docker'];
  return new HoldfastError({
    code: 'HF_RUNTIME_CHANGED',
    message: `The cluster's members run in ${present}, and \`kubernetes.members: ${wanted}\` is asked for.`,
    suggestion: `Their data stays where they are: write \`members: ${present}\`, or give the new cluster another name.`,
    exitCode: ExitCode.state,
  });
}

export function specFileMissing(path: string): HoldfastError {
  return new HoldfastError({
    code: 'HF_SPEC_MISSING',
    message: `There is no file ${path}.`,
    suggestion: 'holdfast init writes one; without -f, and without a holdfast.yaml here, the default cluster is used.',
    exitCode: ExitCode.usage,
  });
}

export function notApproved(): HoldfastError {
  return new HoldfastError({
    code: 'HF_NOT_APPROVED',
    message: 'Nothing was changed: the changes were not confirmed.',
    suggestion: 'Run it again and answer yes, or give --yes.',
    exitCode: ExitCode.usage,
  });
}

export function renderTargetNotEmpty(folder: string): HoldfastError {
  return new HoldfastError({
    code: 'HF_RENDER_NOT_EMPTY',
    message: `${folder} is not empty; nothing was written.`,
    suggestion: 'Name a new folder.',
    exitCode: ExitCode.usage,
  });
}

export function renderToolsMissing(reasons: readonly string[]): HoldfastError {
  return new HoldfastError({
    code: 'HF_RENDER_TOOLS',
    message: 'The configuration names the programs of this machine, and some are missing.',
    detail: reasons.join('\n'),
    suggestion: 'holdfast up installs them.',
    exitCode: ExitCode.environment,
  });
}

/** `words`: how many transactions of whom. */
export function poolerBusy(waited: number, words: string): HoldfastError {
  return new HoldfastError({
    code: 'HF_POOLER_BUSY',
    message: `Transactions through the pooler did not end within ${waited / 1000} s. Nothing was changed, and the pooler goes on.`,
    detail: `Still open: ${words}.`,
    suggestion:
      'Wait longer with `--drain-timeout SECONDS`, or cut them with `--force`; for `holdfast up` do that in a `holdfast switchover` first.',
    exitCode: ExitCode.timeout,
  });
}

export function poolerConsoleSilent(cause: unknown): HoldfastError {
  return new HoldfastError({
    code: 'HF_POOLER_CONSOLE',
    message: 'The pooler could not be paused, so its clients would be cut. Nothing was changed.',
    detail: cause instanceof HoldfastError ? (cause.detail ?? cause.message) : String(cause),
    suggestion: '`holdfast up` gives the pooler its present configuration; `holdfast logs pgbouncer` may say more.',
    exitCode: ExitCode.state,
    cause,
  });
}

export function poolerStillPaused(
  consoles: readonly { readonly host: string; readonly port: number }[],
): HoldfastError {
  const places = consoles.map(({ host, port }) => `${host}:${port}`).join(', ');
  return new HoldfastError({
    code: 'HF_POOLER_STILL_PAUSED',
    message: 'The pooler is still paused: it did not take the command to resume. Its clients wait.',
    detail: `Its console is the database pgbouncer on ${places}, user holdfast_admin, password pooler-admin in secrets.json; the command is RESUME.`,
    suggestion: '`holdfast up` resumes it; a background process goes on trying for a minute.',
  });
}

export function handoverRefused(candidate: string, reason: string): HoldfastError {
  return new HoldfastError({
    code: 'HF_SWITCHOVER_CHANGED',
    message: `The leader's lock was not handed to ${candidate}: ${reason}. The primary is the same as before.`,
    suggestion: 'Look at `holdfast status` and try again.',
    exitCode: ExitCode.state,
  });
}

/** Without a cause: what lost its primary is tried again by withPrimary, and this must not be. */
export function resetUnknown(reason: unknown): HoldfastError {
  return new HoldfastError({
    code: 'HF_DB_RESET_UNKNOWN',
    message: 'The primary was lost during the reset. It was done as a whole or not at all.',
    detail: reason instanceof Error ? reason.message : String(reason),
    suggestion: 'Look at the database, and run the command again if it is as before.',
    exitCode: ExitCode.state,
  });
}

export function shadowNoPostgres(major: number): HoldfastError {
  return new HoldfastError({
    code: 'HF_SHADOW_NO_POSTGRES',
    message: `PostgreSQL ${major}, the cluster's version, is not installed on this machine, and the shadow database needs it.`,
    suggestion: `Run this on a machine of the cluster, or install it: apt-get install postgresql-${major}.`,
    exitCode: ExitCode.environment,
  });
}

export function shadowTimeout(seconds: number): HoldfastError {
  return new HoldfastError({
    code: 'HF_SHADOW_TIMEOUT',
    message: `The migrations and the comparison were not done within ${seconds} s. The cluster is as it was.`,
    suggestion: 'Look for a migration that waits, or give it longer with --timeout SECONDS.',
    exitCode: ExitCode.timeout,
  });
}

export function diffTooOld(major: number, oldest: number): HoldfastError {
  return new HoldfastError({
    code: 'HF_DB_DIFF_VERSION',
    message: `PostgreSQL ${major} is too old to be compared; ${oldest} is the first.`,
    suggestion: 'Write the migration by hand.',
    exitCode: ExitCode.environment,
  });
}
