import type { PatroniClient } from '@holdfast/components';
import type { ClusterContext } from '../context.js';
import { memberUnreachable, nobodyAnswers, unknownMember } from '../errors.js';
import type { ClusterView, MemberView } from '../view/view.js';

/** The member of that name; throws HF_CLUSTER_UNKNOWN_MEMBER with the known names and the likeliest one. Pure. */
export function findMember(view: ClusterView, name: string): MemberView {
  const member = view.members.find((candidate) => candidate.name === name);
  if (member) return member;
  const known = view.members.map((candidate) => candidate.name);
  throw unknownMember(name, known, closest(name, known));
}

/** That, and its Patroni must have answered; throws HF_CLUSTER_MEMBER_UNREACHABLE. Pure. */
export function findReachableMember(view: ClusterView, name: string): MemberView {
  const member = findMember(view, name);
  if (member.state === 'unreachable') throw memberUnreachable(name);
  return member;
}

export function patroniOf(context: ClusterContext, name: string): PatroniClient {
  const found = context.clients.patroni.find(({ member }) => member === name);
  if (!found)
    throw unknownMember(
      name,
      context.clients.patroni.map(({ member }) => member),
      undefined,
    );
  return found.client;
}

/** Whom to ask for things of the whole cluster: the leader's Patroni when it answers, else any that does. Pure. */
export function spokesman(view: ClusterView): string {
  const answering = view.members.filter(({ state }) => state !== 'unreachable');
  const chosen = answering.find(({ name }) => name === view.leader) ?? answering[0];
  if (!chosen) throw nobodyAnswers(view.spec.name);
  return chosen.name;
}

/** `PG-2`, `pg_2` and `2` all mean pg2. */
function closest(name: string, known: readonly string[]): string | undefined {
  const number = /\d+$/.exec(name)?.[0];
  const plain = (text: string) => text.toLowerCase().replaceAll(/[^a-z0-9]/g, '');
  return (
    known.find((candidate) => plain(candidate) === plain(name)) ??
    known.find((candidate) => number !== undefined && candidate.replace(/^\D+/, '') === number)
  );
}
