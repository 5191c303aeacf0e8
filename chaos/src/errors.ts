import { ExitCode, HoldfastError } from '@holdfast/spec';

export function historyInvalid(path: string, line: number, problem: string, cause?: unknown): HoldfastError {
  return new HoldfastError({
    code: 'HF_CHAOS_HISTORY_INVALID',
    message: `${path}, line ${line}: ${problem}.`,
    suggestion: 'Check that this is a history that `holdfast chaos` wrote and that nobody has edited it.',
    exitCode: ExitCode.usage,
    ...(cause === undefined ? {} : { cause }),
  });
}

export function historyUnreadable(path: string, cause: unknown): HoldfastError {
  return new HoldfastError({
    code: 'HF_CHAOS_HISTORY_READ',
    message: `The history ${path} cannot be read.`,
    detail: cause instanceof Error ? cause.message : String(cause),
    suggestion: 'Check the path, and that you may read the file.',
    exitCode: ExitCode.usage,
    cause,
  });
}

export function historyUnwritable(path: string, cause: unknown): HoldfastError {
  return new HoldfastError({
    code: 'HF_CHAOS_HISTORY_WRITE',
    message: `The history ${path} cannot be written.`,
    detail: cause instanceof Error ? cause.message : String(cause),
    suggestion: 'Check that the folder exists, is writable and has space left.',
    exitCode: ExitCode.environment,
    cause,
  });
}

export function workloadNotPrepared(workload: string, cause: unknown): HoldfastError {
  return new HoldfastError({
    code: 'HF_CHAOS_WORKLOAD_PREPARE',
    message: `The tables of the workload ${workload} could not be made.`,
    detail: cause instanceof Error ? cause.message : String(cause),
    suggestion: 'The workload needs a healthy primary before the first fault: `holdfast status`.',
    exitCode: ExitCode.state,
    cause,
  });
}

export function toolMissing(program: string): HoldfastError {
  return new HoldfastError({
    code: 'HF_CHAOS_TOOL_MISSING',
    message: `The program ${program} is not installed.`,
    suggestion: 'Network faults need iproute2, nftables and util-linux: apt-get install iproute2 nftables util-linux',
    exitCode: ExitCode.environment,
  });
}

export function toolFailed(command: string, end: string, complaint: string): HoldfastError {
  return new HoldfastError({
    code: 'HF_CHAOS_TOOL_FAILED',
    message: `\`${command}\` failed (${end}).`,
    detail: complaint,
    suggestion:
      'Network namespaces need root, and a kernel and container that allow them; `holdfast chaos list` says what is possible here.',
    exitCode: ExitCode.environment,
  });
}

export function labNotRemoved(folder: string, code: number | null): HoldfastError {
  return new HoldfastError({
    code: 'HF_CHAOS_LAB_NOT_REMOVED',
    message: `The lab in ${folder} could not be removed completely (exit ${code}).`,
    suggestion: `Look for what is left: ip netns list, ps aux | grep ${folder}, mount | grep ${folder}`,
  });
}

export function needsLab(what: string): HoldfastError {
  return new HoldfastError({
    code: 'HF_CHAOS_NEEDS_LAB',
    message: `${what} needs hosts with a network of their own, which this cluster has not.`,
    suggestion: 'Run it as root, and without --cluster: then the run starts its cluster in network namespaces.',
    exitCode: ExitCode.usage,
  });
}

export function targetMissing(what: string): HoldfastError {
  return new HoldfastError({
    code: 'HF_CHAOS_TARGET_MISSING',
    message: `${what} does not run, so that nothing can be done to it.`,
    suggestion: 'An earlier fault of the same round may have taken it down; see the timeline in the report.',
    exitCode: ExitCode.state,
  });
}

export function withoutEtcdLeader(): HoldfastError {
  return new HoldfastError({
    code: 'HF_CHAOS_NO_ETCD_LEADER',
    message: 'No etcd member says that it is the leader.',
    suggestion: 'etcd has lost its quorum or is electing; see the timeline in the report.',
    exitCode: ExitCode.state,
  });
}

export function clockIsShared(): HoldfastError {
  return new HoldfastError({
    code: 'HF_CHAOS_CLOCK_SHARED',
    message: 'A clock cannot jump for one member alone: all members share the clock of this machine.',
    suggestion: 'Leave this fault out; Holdfast does not change the clock of a machine.',
    exitCode: ExitCode.usage,
  });
}

export function diskNotOurs(path: string): HoldfastError {
  return new HoldfastError({
    code: 'HF_CHAOS_DISK_SHARED',
    message: `${path} is not a disk of its own, and is not filled.`,
    suggestion: 'Run it as root and without --cluster: then each member of the lab has a small disk of its own.',
    exitCode: ExitCode.usage,
  });
}

export function scenarioUnknown(name: string, known: readonly string[]): HoldfastError {
  return new HoldfastError({
    code: 'HF_CHAOS_SCENARIO_UNKNOWN',
    message: `There is no scenario "${name}".`,
    suggestion: `Known: ${known.join(', ')}.`,
    exitCode: ExitCode.usage,
  });
}

export function optionOutOfRange(option: string, given: string, range: string): HoldfastError {
  return new HoldfastError({
    code: 'HF_CHAOS_OPTION',
    message: `${option} takes ${range}, not "${given}".`,
    suggestion: 'See `holdfast chaos run --help`.',
    exitCode: ExitCode.usage,
  });
}

export function noTarget(role: string): HoldfastError {
  return new HoldfastError({
    code: 'HF_CHAOS_NO_TARGET',
    message: `Nobody is the ${role} now.`,
    suggestion: 'An earlier fault of the same round may have taken it down; see the timeline in the report.',
    exitCode: ExitCode.state,
  });
}

export function notHealthyAgain(milliseconds: number, reasons: readonly string[]): HoldfastError {
  return new HoldfastError({
    code: 'HF_CHAOS_NOT_HEALTHY',
    message: `The cluster was not healthy again ${Math.round(milliseconds / 1000)} s after the faults were healed.`,
    detail: reasons.map((reason) => `- ${reason}`).join('\n'),
    suggestion: 'The logs of its units lie beside the report; run it again with --keep to look at the cluster itself.',
    exitCode: ExitCode.timeout,
  });
}

export function clusterNotUp(name: string): HoldfastError {
  return new HoldfastError({
    code: 'HF_CHAOS_CLUSTER_NOT_UP',
    message: `The cluster ${name} was never started, or its secrets are gone.`,
    suggestion: 'Start it: holdfast up',
    exitCode: ExitCode.state,
  });
}

export function insideEnded(how: string): HoldfastError {
  return new HoldfastError({
    code: 'HF_CHAOS_RUN_ENDED',
    message: `The run inside the lab ended unexpectedly (${how}).`,
    suggestion: 'This is a defect of Holdfast: run it again with --debug and report what it prints.',
  });
}

export function noLab(folder: string): HoldfastError {
  return new HoldfastError({
    code: 'HF_CHAOS_NO_LAB',
    message: `${folder} is not the folder of a lab.`,
    suggestion: 'Labs that were kept lie in /tmp/holdfast-chaos-…',
    exitCode: ExitCode.usage,
  });
}

export function wireBroken(complaint: string): HoldfastError {
  return new HoldfastError({
    code: 'HF_CHAOS_WIRE_BROKEN',
    message: 'The slow piece of wire could not be put into the network.',
    detail: complaint.trim(),
    suggestion: 'It needs python3 and packet sockets (root); leave the scenarios with slow-network out otherwise.',
    exitCode: ExitCode.environment,
  });
}
