import type { Handover, PatroniKeys } from '@holdfast/components';
import type { Mutation } from './agent-options.js';

type Success = Handover['transaction']['success'];

function changed(
  handover: Handover,
  change: { compare?: Handover['transaction']['compare']; success?: Success },
): Handover {
  return { ...handover, transaction: { ...handover.transaction, ...change } };
}

function isPut(each: Success[number], key: string | undefined): boolean {
  return 'put' in each && each.put === key;
}

/** The seal does not ask whether /sync is as it was. */
export const noGuardOnSync: Mutation = {
  handover: (handover, keys) =>
    changed(handover, { compare: handover.transaction.compare.filter(({ key }) => key !== keys.raw.sync?.key) }),
};

/** The seal leaves /sync as it is. */
export const noRewriting: Mutation = {
  handover: (handover, keys) =>
    changed(handover, { success: handover.transaction.success.filter((each) => !isPut(each, keys.raw.sync?.key)) }),
};

/** The seal writes /sync before the leader. */
export const syncFirst: Mutation = {
  handover: (handover, keys) => {
    const { success } = handover.transaction;
    const sync = success.filter((each) => isPut(each, keys.raw.sync?.key));
    return changed(handover, { success: [...sync, ...success.filter((each) => !sync.includes(each))] });
  },
};

/** The lock goes to a standby that nobody waits for. */
export const anyCandidate: Mutation = {
  handover: (handover, keys) => {
    const listed = new Set([keys.raw.leader?.value, ...keys.sync.standbys]);
    const other = [...keys.raw.members].find(([name]) => !listed.has(name));
    return other === undefined ? undefined : toCandidate(handover, keys, other[0], other[1].lease);
  },
};

function toCandidate(handover: Handover, keys: PatroniKeys, name: string, lease: string): Handover {
  const { compare, success } = handover.transaction;
  const leader = keys.raw.leader?.key;
  return changed(handover, {
    compare: compare.filter((each) => !('lease' in each)),
    success: success.map((each) => (isPut(each, leader) && 'put' in each ? { ...each, value: name, lease } : each)),
  });
}

/** The candidate does not mind what other standbys have. */
export const noCatchUp: Mutation = {
  view: (view) => ({ ...view, memory: { ...view.memory, catchUp: 'over' } }),
};

/** The old lease is left to run out. */
export const noRevocation: Mutation = { noRevoke: true };

/** The gate does not mind how old a proof is. */
export const noFreshness: Mutation = {
  gate: (view) => ({ ...view, own: { ...view.own, proof: view.own.proof === undefined ? undefined : 0 } }),
};

/** The gate says up as soon as it can. */
export const noWaiting: Mutation = {
  gate: (view) => ({ ...view, memory: { ...view.memory, leading: Number.MAX_SAFE_INTEGER } }),
};

/** One pair of ears is enough. */
export const oneWitness: Mutation = {
  view: (view) => {
    const leader = view.dcs?.keys.leader;
    const members = leader === undefined || leader === view.me ? view.settings.members : [view.me, leader];
    return { ...view, settings: { ...view.settings, members } };
  },
};

/** Quorum and asynchronous mode are treated like a synchronous one. */
export const sealInAnyMode: Mutation = {
  view: (view) => ({ ...view, settings: { ...view.settings, mode: 'on' } }),
};
