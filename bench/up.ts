import type { Tools } from '@holdfast/components';
import { timeLimit } from '@holdfast/spec';
import { watchFirstWrite } from './first-write.js';
import { openCluster } from './open-folders.js';
import { type ByHand, measureByHand } from './postgres-by-hand.js';
import type { BenchOptions, Section } from './section.js';
import { durationCells, median, seconds } from './statistics.js';

interface Phase {
  readonly phase: string;
  readonly milliseconds: number;
}

/** Milliseconds from the start of the process `holdfast up`. */
interface UpRun {
  readonly firstWrite: number;
  readonly allStream: number;
  readonly returned: number;
  readonly phases: readonly Phase[];
}

/** `holdfast up` on a fresh folder, beside PostgreSQL's own steps by hand, one after the other in each round. */
export async function benchUp(tools: Tools, { quick, signal, progress }: BenchOptions): Promise<Section> {
  const runs: UpRun[] = [];
  const floors: ByHand[] = [];
  const rounds = quick ? 1 : 7;
  for (let round = 1; round <= rounds; round++) {
    progress(`up: round ${round} of ${rounds}`);
    floors.push(await measureByHand(tools.postgresBin));
    runs.push(await measureUp(signal));
  }
  const phases = (runs[0]?.phases ?? []).map(({ phase }) => ({
    phase,
    milliseconds: runs.map((run) => run.phases.find((other) => other.phase === phase)?.milliseconds ?? 0),
  }));
  const floor = (pick: (run: ByHand) => number) => durationCells(floors.map(pick));
  const toWrite = ({ initdb, start }: ByHand) => initdb + start;
  const toStream = (run: ByHand) => toWrite(run) + run.basebackup + run.replicaStart;
  const ratio = (ours: readonly number[], theirs: readonly number[]) =>
    `${(median(ours) / median(theirs)).toFixed(1)} × the floor`;
  return {
    title: `\`holdfast up\` on a fresh folder (${rounds} runs, three members)`,
    head: ['', 'median', 'min–max', ''],
    rows: [
      [
        'first committed write through the read-write port',
        ...durationCells(runs.map(({ firstWrite }) => firstWrite)),
        ratio(
          runs.map(({ firstWrite }) => firstWrite),
          floors.map(toWrite),
        ),
      ],
      [
        'all members stream',
        ...durationCells(runs.map(({ allStream }) => allStream)),
        ratio(
          runs.map(({ allStream }) => allStream),
          floors.map(toStream),
        ),
      ],
      ['the command returns', ...durationCells(runs.map(({ returned }) => returned)), ''],
      ...phases.map(({ phase, milliseconds }) => [`phase “${phase}”`, ...durationCells(milliseconds), '']),
      ['floor to the first write: initdb + start', ...floor(toWrite), ''],
      ['floor to one replica: the same + base backup + its start', ...floor(toStream), ''],
    ],
    notes: [
      'From the start of the process; an independent client knocks every 20 ms.',
      `The floor is PostgreSQL alone, by hand, in the same rounds: initdb ${seconds(median(floors.map((run) => run.initdb)))}, start ${seconds(median(floors.map((run) => run.start)))}, base backup ${seconds(median(floors.map((run) => run.basebackup)))}, start of the replica ${seconds(median(floors.map((run) => run.replicaStart)))}.`,
    ],
    data: { runs, floors },
  };
}

async function measureUp(signal: AbortSignal): Promise<UpRun> {
  await using cluster = await openCluster();
  const stop = new AbortController();
  const watching = timeLimit(AbortSignal.any([signal, stop.signal]), 180_000);
  let start = 0;
  let watch: ReturnType<typeof watchFirstWrite> | undefined;
  try {
    const { phases } = await cluster.json<{ phases: readonly Phase[] }>(['up', '--no-install'], {
      onStart: () => {
        start = performance.now();
        watch = watchFirstWrite(cluster, 2, watching);
        // Awaited below; until then its failure is nobody's.
        watch.catch(() => {});
      },
    });
    const returned = performance.now() - start;
    const seen = await watch;
    if (seen === undefined) throw new Error('holdfast up was not started');
    return { firstWrite: seen.committed - start, allStream: seen.streaming - start, returned, phases };
  } finally {
    stop.abort();
  }
}
