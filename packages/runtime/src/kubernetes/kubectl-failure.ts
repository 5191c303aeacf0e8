import type { HoldfastError } from '@holdfast/spec/errors';
import { clusterDenied, clusterUnreachable, kubectlFailed } from './errors.js';

/** What kubectl printed when it failed, as an error for people. Pure. The words are those of kubectl 1.20 to 1.35. */
export function judgeKubectlFailure(command: string, printed: string): HoldfastError {
  const output = withoutLog(printed);
  if (
    /connection to the server .* was refused|Unable to connect to the server|no configuration has been provided|current-context is not set|no such host|dial tcp|context ".*" does not exist|TLS handshake timeout|context deadline exceeded/i.test(
      output,
    )
  )
    return clusterUnreachable(output);
  if (
    /\(Forbidden\)|is forbidden:.*cannot|You must be logged in|\(Unauthorized\)|certificate has expired/i.test(output)
  )
    return clusterDenied(output);
  return kubectlFailed(command, output);
}

/** What is for people: lines of its own log say the same, over and over. They stay where there is nothing else. */
function withoutLog(text: string): string {
  const lines = text.split('\n').filter((line) => !/^[EWI]\d{4} /.test(line));
  return lines.some((line) => line.trim() !== '') ? lines.join('\n') : text;
}
