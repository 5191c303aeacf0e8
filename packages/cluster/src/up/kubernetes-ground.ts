import { containerLayout } from '@holdfast/components';
import { createKubernetesRuntime, planKubernetes } from '@holdfast/runtime';
import { imagesOtherMajor } from '../errors.js';
import { ownerOf, readMarker, writeMarker } from '../state/state-directory.js';
import type { Ground, GroundOptions } from './ground.js';
import { judgeEtcdChange } from './preflight.js';

/** A Kubernetes cluster: images that hold every program, claims that hold the data. */
export async function createKubernetesGround(options: GroundOptions): Promise<Ground> {
  const { spec: draft, marker, stateDirectory, signal, progress } = options;
  const { postgresMajor } = containerLayout.tools;
  const asked = draft.postgres.version ?? marker?.postgresMajor ?? postgresMajor;
  if (asked !== postgresMajor) throw imagesOtherMajor(postgresMajor, asked);
  const owner = marker === undefined ? undefined : ownerOf(marker);
  progress.step('Looking at the Kubernetes cluster');
  {
    await using runtime = await createKubernetesRuntime({ stateDirectory, spec: draft, owner });
    await runtime.examine({ secrets: undefined, signal });
  }
  return {
    postgresMajor,
    plan: async (spec) => planKubernetes(spec).plan,
    async examine({ spec, runtime: own, secrets }, plan, limit) {
      const inside = spec.inside ?? spec;
      const refusal = judgeEtcdChange(await own.currentPlan(limit), plan);
      if (refusal !== undefined) throw refusal;
      await using runtime = await createKubernetesRuntime({ stateDirectory, spec: inside, owner });
      await runtime.examine({ secrets, signal: limit });
      return {
        async repair(given) {
          await rememberKubernetes(stateDirectory);
          await using another = await createKubernetesRuntime({ stateDirectory, spec: inside, owner });
          await another.prepare({ ...given, progress: (text) => given.progress.step(text) });
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

/** From now on something may be kept there, so that later commands must ask it. */
export async function rememberKubernetes(stateDirectory: string): Promise<void> {
  const marker = await readMarker(stateDirectory);
  if (marker !== undefined && marker.runtime === undefined)
    await writeMarker(stateDirectory, { ...marker, runtime: 'kubernetes' });
}
