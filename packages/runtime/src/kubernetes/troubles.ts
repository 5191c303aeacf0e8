import type { ClusterSpec } from '@holdfast/spec';
import type { Trouble, TroubleKind } from './pod-status.js';

/** What has lasted for so long does not pass by itself. A node or a volume may still be on its way for longer, and is only told of then. */
const lastingMilliseconds = 20_000;
const scheduleMilliseconds = 90_000;
/** What was not seen for so long in between begins anew: a container that ends again and again runs for moments. */
const gapMilliseconds = 5000;
/** Less often a part may well end while what it needs is not there yet. */
const hopelessRestarts = 3;

export interface LastingTrouble {
  readonly trouble: Trouble;
  readonly milliseconds: number;
}

/** How long troubles have lasted, over several looks at the pods. What Kubernetes says of one may change: kubelets tell of each attempt in its own words. */
export class TroubleMemory {
  readonly #seen = new Map<string, { readonly since: number; readonly last: number }>();

  /** `now`: milliseconds of a clock that only goes forward. */
  look(troubles: readonly Trouble[], now: number): readonly LastingTrouble[] {
    return troubles.map((trouble) => {
      const key = `${trouble.uid} ${trouble.kind}`;
      const before = this.#seen.get(key);
      const since = before === undefined || now - before.last > gapMilliseconds ? now : before.since;
      this.#seen.set(key, { since, last: now });
      return { trouble, milliseconds: now - since };
    });
  }
}

export interface TroubleVerdict {
  /** Waiting longer would only hide these. */
  readonly stuck: readonly Trouble[];
  /** These may still pass, but somebody should know. */
  readonly slow: readonly Trouble[];
}

/** Pure. Once one is stuck all of its kind are named, so that nobody mends one image after the other. */
export function judgeTroubles(found: readonly LastingTrouble[]): TroubleVerdict {
  const kinds = new Set(found.filter(isStuck).map(({ trouble }) => trouble.kind));
  return {
    stuck: found.filter(({ trouble }) => kinds.has(trouble.kind)).map(({ trouble }) => trouble),
    slow: found
      .filter(({ trouble, milliseconds }) => milliseconds >= lastingMilliseconds && !kinds.has(trouble.kind))
      .map(({ trouble }) => trouble),
  };
}

function isStuck({ trouble: { kind, restarts }, milliseconds }: LastingTrouble): boolean {
  if (kind === 'unmade' || kind === 'schedule') return milliseconds >= scheduleMilliseconds;
  if (kind === 'crash' && restarts < hopelessRestarts) return false;
  return kind !== 'slow' && milliseconds >= lastingMilliseconds;
}

/** For people, a line for each thing that is said: `etcd-0, etcd-1: ErrImageNeverPull: …`. Pure. */
export function describeTroubles(troubles: readonly Trouble[]): readonly string[] {
  const pods = new Map<string, string[]>();
  for (const { pod, text } of troubles) pods.set(text, [...(pods.get(text) ?? []), pod]);
  return [...pods].map(([text, names]) => `${names.join(', ')}: ${text}`);
}

/** What to do about them. Pure. */
export function adviceFor(troubles: readonly Trouble[], { kubernetes }: ClusterSpec): string {
  const has = (kind: TroubleKind) => troubles.some((each) => each.kind === kind);
  const says = (words: RegExp) => troubles.some(({ text }) => words.test(text));
  const again = 'Then run `holdfast up` again.';
  if (has('image')) {
    if (says(/InvalidImageName/)) return `Mend the name in \`kubernetes.images\`. ${again}`;
    const how = `(pull: ${kubernetes.images.pull}); docs/guides/kubernetes.md#images says how`;
    const login = says(/unauthorized|denied|forbidden|authenticat|\b40[13]\b/i)
      ? ' The registry wants credentials: name a Secret with them in `kubernetes.images.pullSecrets`.'
      : '';
    return `Bring the images to the nodes, or name others in \`kubernetes.images\` ${how}.${login} ${again}`;
  }
  if (has('crash'))
    return '`holdfast logs` shows what they said before they ended. Mend that, then run `holdfast up` again.';
  if (says(/PersistentVolumeClaim|volume|storageclass/i))
    return `No volume is made for a claim: check \`kubernetes.storageClass\` and \`kubernetes.storage\`. ${again}`;
  if (has('schedule'))
    return `Give the nodes room, or ask for less: \`kubernetes.resources\`, \`kubernetes.spread\`. ${again}`;
  return 'Mend what it says, then run `holdfast up` again: it goes on where this one stopped.';
}
