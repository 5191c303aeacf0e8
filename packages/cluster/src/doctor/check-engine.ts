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

/** The Kubernetes cluster. `units`: how many are ready there; undefined: it does not answer. */
export function judgeKubernetes(units: number | undefined): Finding {
  if (units !== undefined) return ok('kubernetes', `the cluster answers, ${units} units are ready in it`);
  return error(
    'kubernetes',
    'the Kubernetes cluster does not answer',
    'kubectl version, with the KUBECONFIG in question',
  );
}
