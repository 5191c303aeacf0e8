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
