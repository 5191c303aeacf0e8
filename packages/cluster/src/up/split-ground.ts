import { containerLayout } from '@holdfast/components';
import { createSplitRuntime, joinPlans, planSplit, type SplitSpec, splitSpec } from '@holdfast/runtime';
import { dockerForeign, dockerHostsWithoutEngine, imagesOtherMajor, portsTaken } from '../errors.js';
import { ownerOf } from '../state/state-directory.js';
import { takenPorts, unreachableHosts } from './container-ground.js';
import type { Ground, GroundOptions } from './ground.js';
import { rememberKubernetes } from './kubernetes-ground.js';
import { judgeEtcdChange } from './preflight.js';

/** A Kubernetes cluster for etcd and the proxies, and Docker engines for the members. */
export async function createSplitGround(draft: SplitSpec, options: GroundOptions): Promise<Ground> {
  const { marker, stateDirectory, install, signal, progress } = options;
  const { postgresMajor } = containerLayout.tools;
  const asked = draft.postgres.version ?? marker?.postgresMajor ?? postgresMajor;
  if (asked !== postgresMajor) throw imagesOtherMajor(postgresMajor, asked);
  const strangers = unreachableHosts(draft.outside);
  if (strangers.length > 0) throw dockerHostsWithoutEngine(strangers);
  const owner = marker === undefined ? undefined : ownerOf(marker);
  progress.step('Looking at the Kubernetes cluster, and for Docker');
  {
    await using runtime = await createSplitRuntime({ stateDirectory, spec: draft, owner });
    await runtime.halves.kubernetes.examine({ secrets: undefined, signal });
    await runtime.halves.docker.isActive(signal);
  }
  return {
    postgresMajor,
    plan: async (spec) => joinPlans(planSplit(splitSpec(spec) ?? draft)),
    async examine({ spec, runtime: own, secrets }, plan, limit) {
      const inside = splitSpec(spec.inside ?? spec) ?? draft;
      const refusal = judgeEtcdChange(await own.currentPlan(limit), plan);
      if (refusal !== undefined) throw refusal;
      const { containers } = planSplit(inside);
      await using runtime = await createSplitRuntime({ stateDirectory, spec: inside, owner });
      const { kubernetes, docker } = runtime.halves;
      await kubernetes.examine({ secrets, signal: limit });
      const foreign = await docker.findForeign(containers, limit);
      if (foreign.length > 0) throw dockerForeign(spec.name, foreign);
      const taken = await takenPorts(inside.outside, containers, docker, limit);
      if (taken.length > 0) throw portsTaken(taken);
      return {
        async repair(given) {
          await rememberKubernetes(stateDirectory);
          await using another = await createSplitRuntime({ stateDirectory, spec: inside, owner });
          const told = { ...given, progress: (text: string) => given.progress.step(text) };
          await another.halves.kubernetes.prepare(told);
          await another.halves.docker.prepare(containers, { ...told, build: install });
          return {};
        },
      };
    },
    async systemIdentifier({ clients }, member, limit) {
      const state = await clients.patroni.find((each) => each.member === member)?.client.state(limit);
      return state?.systemIdentifier;
    },
  };
}
