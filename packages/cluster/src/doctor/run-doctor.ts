import type { UnitStatus } from '@holdfast/runtime';
import type { ClusterContext } from '../context.js';
import { fetchView } from '../view/fetch-view.js';
import { gatherStatusFacts } from '../view/local-facts.js';
import { answer, valueIn } from '../view/observation.js';
import { judgeApi } from './check-api.js';
import { judgeClock } from './check-clock.js';
import { judgeDescriptors } from './check-descriptors.js';
import { judgeDisk } from './check-disk.js';
import { judgeDrift } from './check-drift.js';
import { judgeEngine, judgeKubernetes } from './check-engine.js';
import { judgeEtcd } from './check-etcd.js';
import { judgeHaproxy } from './check-haproxy.js';
import { judgeMemory } from './check-memory.js';
import { judgePatroni } from './check-patroni.js';
import { judgePermissions } from './check-permissions.js';
import { judgePooler } from './check-pooler.js';
import { judgePorts } from './check-ports.js';
import { judgeProcesses } from './check-processes.js';
import { judgeReplication } from './check-replication.js';
import { judgeSlots } from './check-slots.js';
import { judgeTools } from './check-tools.js';
import { type Finding, info } from './finding.js';
import { gatherApi } from './gather-api.js';
import { gatherConfiguration, gatherFiles, gatherSlots, gatherWanted, pendingChanges } from './gather-cluster.js';
import {
  gatherClock,
  gatherDescriptors,
  gatherDisk,
  gatherLeftovers,
  gatherMemory,
  gatherModes,
  gatherPorts,
  remainingLeftovers,
} from './gather-machine.js';

/** Each fact is gathered within this or counts as unknown; finding the tools runs a few programs. */
const patienceMilliseconds = 10_000;

/**
 * Looks at the machine and the cluster for what is wrong or soon will be. Changes nothing; works with any part dead, and before the
 * first `up`. Throws only when `signal` aborts.
 */
export async function runDoctor(context: ClusterContext, signal: AbortSignal): Promise<Finding[]> {
  const { spec, stateDirectory, secrets } = context;
  // What containers hold is not this machine's to look at.
  const isProcesses = context.runtime.kind === 'process';
  const ask = async <T>(question: (limit: AbortSignal) => Promise<T>) =>
    valueIn(await answer(question, { signal, timeoutMilliseconds: patienceMilliseconds }));
  // Alone, because what follows starts programs and would be measured as etcd's latency.
  const view = await fetchView(context, signal);
  const [facts, current, wanted, disk, memory, clock] = await Promise.all([
    gatherStatusFacts(context, signal),
    ask((limit) => context.runtime.currentPlan(limit)),
    ask((limit) => gatherWanted(context, limit)),
    ask(() => gatherDisk(spec, stateDirectory)),
    ask(gatherMemory),
    ask(gatherClock),
  ]);
  const plan = current ?? wanted?.plan;
  const [slots, configuration, files, descriptors, modes, api] = await Promise.all([
    ask(() => gatherSlots(context, view)),
    ask((limit) => gatherConfiguration(context, view, limit)),
    ask(() => gatherFiles(isProcesses ? current : undefined, secrets)),
    ask(() => gatherDescriptors(view.units)),
    ask(() => gatherModes(stateDirectory, plan)),
    ask((limit) => gatherApi(context, limit)),
  ]);
  signal.throwIfAborted();
  const unitsKnown = view.units.length > 0 || current === undefined;
  const members = spec.members.map(({ name }) => name);
  const inKubernetes = context.runtime.kind === 'kubernetes';
  // Processes of pods are on other machines.
  const isRunning = ({ pids, state }: UnitStatus) => (inKubernetes ? state === 'ready' : pids.length > 0);
  const runs = view.units.some(isRunning);
  const ofTheCluster = runs
    ? [
        ...judgeEtcd(view),
        ...judgePatroni(view, wanted?.search?.tools?.patroni.origin ?? facts.patroniOrigin),
        ...judgeReplication(view),
        ...judgeHaproxy(view),
        ...judgePooler(facts.poolerPaused),
        ...judgeApi(api),
        ...judgeSlots(slots, members, disk?.[0]?.freeBytes),
      ]
    : [info('cluster', 'nothing runs here, so only the machine was examined', 'holdfast up')];
  const strangers = isProcesses && unitsKnown ? gatherLeftovers(stateDirectory, view.units, facts.supervisor.pid) : [];
  // Our own questions had PostgreSQL start processes since the units were looked at.
  const unitsNow = strangers.length === 0 ? [] : ((await ask((limit) => context.runtime.status(limit))) ?? []);
  const leftovers = remainingLeftovers(strangers, unitsNow);
  const running = view.units.filter(isRunning).length;
  const answering = facts.supervisor.alive === undefined ? undefined : running;
  return [
    ...(isProcesses
      ? judgeTools(wanted?.search)
      : [inKubernetes ? judgeKubernetes(answering) : judgeEngine(answering)]),
    ...judgeProcesses({
      units: view.units,
      supervisor: isProcesses ? facts.supervisor : { pid: undefined, alive: true },
      leftovers,
    }),
    ...(isProcesses ? judgePorts(gatherPorts(plan, unitsKnown ? view.units : undefined)) : []),
    ...judgeDisk(disk ?? []),
    ...(memory && !inKubernetes ? judgeMemory(spec, memory) : []),
    judgeClock(clock),
    ...judgeDescriptors(spec, descriptors ?? []),
    ...judgePermissions(modes ?? []),
    ...ofTheCluster,
    ...judgeDrift({
      configuration,
      wanted: current?.dynamicConfiguration,
      pendingChanges: pendingChanges(current, wanted?.plan),
      files: files ?? [],
    }),
    ...spec.warnings.map((line, index) => info(`spec.${index + 1}`, line)),
  ];
}
