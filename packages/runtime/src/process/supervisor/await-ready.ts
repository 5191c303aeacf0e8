import { setTimeout as sleep } from 'node:timers/promises';
import type { Probe } from '@holdfast/components';
import { isReady } from '../probe.js';

/** Between two probes: short at first, since other units wait for this one; longer for what takes its time. */
const pauses = { atFirst: 50, later: 250, laterAfter: 10_000 };

/** Asks again and again; true when the probe succeeded, false when the signal aborted. The probe may change meanwhile. */
export async function awaitReady(probe: () => Probe, signal: AbortSignal): Promise<boolean> {
  const begun = performance.now();
  while (!signal.aborted) {
    const ready = await isReady(probe(), signal);
    if (signal.aborted) break;
    if (ready) return true;
    const pause = performance.now() - begun < pauses.laterAfter ? pauses.atFirst : pauses.later;
    await sleep(pause, undefined, { signal }).catch(() => undefined);
  }
  return false;
}
