import { ExitCode, HoldfastError } from '@holdfast/spec';

/** `why` names what is wrong without showing any of it. */
export function keysDamaged(path: string, why: string): HoldfastError {
  return new HoldfastError({
    code: 'HF_KEYS_DAMAGED',
    message: `The keys of this cluster cannot be read: ${why} (${path}).`,
    suggestion:
      'Restore the file from a copy. Or move it away: `holdfast up` then makes new keys, which every application needs.',
    exitCode: ExitCode.state,
  });
}

export function valueNotQuotable(name: string): HoldfastError {
  return new HoldfastError({
    code: 'HF_ENV_VALUE',
    message: `No quotes keep the value of ${name} the same for both dotenv and a shell.`,
    suggestion: 'holdfast env --format json, or --format shell',
    exitCode: ExitCode.failure,
  });
}
