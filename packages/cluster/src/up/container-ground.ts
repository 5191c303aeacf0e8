import { networkInterfaces } from 'node:os';
import { containerLayout, type Plan } from '@holdfast/components';
import { createDockerRuntime, type DockerRuntime, planDocker, portHolder } from '@holdfast/runtime';
import type { ClusterSpec } from '@holdfast/spec';
import { dockerForeign, dockerHostsWithoutEngine, imagesOtherMajor, portsTaken } from '../errors.js';
import { canListen } from '../state/port-assignment.js';
import { ownerOf, readMarker, writeMarker } from '../state/state-directory.js';
import type { Ground, GroundOptions } from './ground.js';
import { judgeEtcdChange } from './preflight.js';

/** A Docker engine: images that hold every program, volumes that hold the data. */
export async function createContainerGround(options: GroundOptions): Promise<Ground> {
  const { spec: draft, marker, stateDirectory, install, signal, progress } = options;
  const { postgresMajor } = containerLayout.tools;
  const asked = draft.postgres.version ?? marker?.postgresMajor ?? postgresMajor;
  if (asked !== postgresMajor) throw imagesOtherMajor(postgresMajor, asked);
  const strangers = unreachableHosts(draft);
  if (strangers.length > 0) throw dockerHostsWithoutEngine(strangers);
  progress.step('Looking for Docker');
  const owner = marker === undefined ? undefined : ownerOf(marker);
  await createDockerRuntime({ stateDirectory, spec: draft, owner }).isActive(signal);
  return {
    postgresMajor,
    plan: async (spec) => planDocker(spec).plan,
    async examine({ spec }, plan, limit) {
      const runtime = createDockerRuntime({ stateDirectory, spec, owner });
      const refusal = judgeEtcdChange(await runtime.currentPlan(limit), plan);
      if (refusal !== undefined) throw refusal;
      const foreign = await runtime.findForeign(plan, limit);
      if (foreign.length > 0) throw dockerForeign(spec.name, foreign);
      const taken = await takenPorts(spec, plan, runtime, limit);
      if (taken.length > 0) throw portsTaken(taken);
      return {
        async repair(given) {
          await rememberRuntime(stateDirectory);
          await runtime.prepare(plan, { build: install, ...given, progress: (text) => given.progress.step(text) });
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

/** From now on something may be kept by the engine, so that later commands must ask it. */
async function rememberRuntime(stateDirectory: string): Promise<void> {
  const marker = await readMarker(stateDirectory);
  if (marker !== undefined && marker.runtime === undefined)
    await writeMarker(stateDirectory, { ...marker, runtime: 'docker' });
}

/** Docker hosts that are neither this machine nor have an engine named: somebody must bring them up there. */
export function unreachableHosts({ docker }: ClusterSpec): readonly string[] {
  const here = new Set(Object.values(networkInterfaces()).flatMap((each) => each?.map(({ address }) => address) ?? []));
  return docker.hosts
    .filter(({ engine, address }) => engine === undefined && !here.has(address))
    .map(({ address }) => address);
}

/** For people: who holds which port that is needed here. Of an engine elsewhere only itself can tell, when it starts. */
export async function takenPorts(
  spec: ClusterSpec,
  plan: Plan,
  runtime: DockerRuntime,
  signal: AbortSignal,
): Promise<readonly string[]> {
  if (!runtime.isHere) return [];
  const ours = await runtime.heldPorts(signal);
  const isPublished = spec.docker.hosts.length === 0;
  const lines: string[] = [];
  for (const { id, ports } of plan.units) {
    for (const { name, host, port } of ports) {
      // Peers of etcd meet in the containers' own network.
      if (ours.has(port) || (isPublished && name === 'peer')) continue;
      const address = isPublished ? spec.listen : host;
      if (await canListen(address, port)) continue;
      const holder = portHolder(address, port);
      const who = holder?.pid === undefined ? 'another process' : `${holder.name ?? 'process'} (pid ${holder.pid})`;
      lines.push(`- ${address}:${port} (${id}, ${name}) is held by ${who}`);
    }
  }
  return lines;
}
