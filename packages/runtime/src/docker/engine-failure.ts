import type { HoldfastError } from '@holdfast/spec/errors';
import {
  composeWithoutSsh,
  dockerDenied,
  dockerFailed,
  dockerImageMissing,
  dockerNoEngine,
  dockerPortTaken,
  dockerSubnetTaken,
} from '../errors.js';

/** What the docker command or Compose printed when it failed, as an error for people. Pure. The words are those of Docker 20 to 28. */
export function judgeDockerFailure(command: string, output: string): HoldfastError {
  const match = (pattern: RegExp) => pattern.exec(output)?.[1];
  if (/Install paramiko/.test(output)) return composeWithoutSsh(output);
  if (
    /permission denied.*(docker\.sock|daemon)|connect: permission denied|PermissionError.*Permission denied/is.test(
      output,
    )
  )
    return dockerDenied(output);
  if (
    /Cannot connect to the Docker daemon|error during connect|Couldn't connect to Docker daemon|Is the docker daemon running|Error while fetching server API version/i.test(
      output,
    )
  )
    return dockerNoEngine(output);
  const port = match(
    /(?:Bind for|listen tcp4?|failed to bind port) (\S+?):? (?:failed: port is already allocated|bind: address already in use|\S*address already in use)/i,
  );
  if (port !== undefined || /port is already allocated|address already in use/i.test(output))
    return dockerPortTaken(port ?? 'A port', output);
  if (/Pool overlaps|invalid pool request|address space.*overlap/i.test(output)) return dockerSubnetTaken(output);
  const image =
    match(/pull access denied for ([^\s,]+)/i) ??
    match(/No such image: (\S+)/i) ??
    match(/Unable to find image '([^']+)'/i) ??
    match(/manifest for (\S+) not found/i) ??
    match(/failed to resolve (?:reference "|source metadata for )([^\s"]+?)(?:"|:? )/i) ??
    // Where no registry can be reached, the one that a build starts from is not named.
    (/Get "https?:\/\/\S+\/v2\//.test(output) ? 'that a build starts from' : undefined);
  if (image !== undefined) return dockerImageMissing(image, output);
  return dockerFailed(command, output);
}
