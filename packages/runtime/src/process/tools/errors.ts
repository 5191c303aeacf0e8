import { ExitCode, HoldfastError } from '@holdfast/spec/errors';

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
