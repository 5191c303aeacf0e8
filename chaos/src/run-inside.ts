/**
 * The program that runs inside a lab's network namespace: starts the lab's cluster, plays, and tells whoever started it by messages.
 * It ends when that one ends.
 */
import type { Progress } from '@holdfast/cluster';
import { HoldfastError } from '@holdfast/spec';
import type { FromInside, ToInside } from './messages.js';
import { runLabJob } from './run-lab-job.js';

const abort = new AbortController();
const tell = (message: FromInside) => void process.send?.(message);
const progress: Progress = {
  step: (text) => tell({ kind: 'step', text }),
  note: (text) => tell({ kind: 'note', text }),
};
// Ctrl-C reaches the whole group; whoever started us says when to end.
process.on('SIGINT', () => undefined);
process.on('SIGTERM', () => undefined);
process.once('disconnect', () => abort.abort(new Error('whoever started this run is gone')));
process.on('message', (message: ToInside) => {
  if (message.kind === 'abort') {
    abort.abort(new Error('interrupted'));
    return;
  }
  void runLabJob(message.job, abort.signal, progress)
    .then(
      (result) => tell({ kind: 'done', result }),
      (error: unknown) => tell(failure(error)),
    )
    .finally(() => process.disconnect?.());
});

function failure(error: unknown): FromInside {
  if (error instanceof HoldfastError) return { kind: 'failed', error: error.toJSON(), exitCode: error.exitCode };
  const message = error instanceof Error ? (error.stack ?? error.message) : String(error);
  return { kind: 'failed', error: { code: 'HF_INTERNAL', message }, exitCode: 1 };
}
