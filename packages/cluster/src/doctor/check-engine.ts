import { error, type Finding, ok } from './finding.js';

/** The Docker engines of the cluster. `containers`: how many of its containers run; undefined: an engine does not answer. */
export function judgeEngine(containers: number | undefined): Finding {
  if (containers !== undefined) return ok('docker', `the engine answers, ${containers} units of the cluster run`);
  return error(
    'docker',
    'a Docker engine does not answer',
    'docker version, with DOCKER_HOST or `engine` of the host in question',
  );
}
