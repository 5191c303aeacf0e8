import type { AgentView, MemberSight } from './view.js';

/**
 * Why a member's lock may be taken.
 * - `dead`: nobody listens on any of its ports, or its own agent says that PostgreSQL's postmaster is gone. True whoever says it.
 * - `silent`: most of the other members have had no answer from its agent, its Patroni or its PostgreSQL for the time of silence. It may
 *   be dead, frozen or cut off; what follows must be right in all three cases.
 */
export type Evidence =
  | { readonly kind: 'dead'; readonly because: string }
  | { readonly kind: 'silent'; readonly because: string };

/** A refusal is believed when it lasts: more than one attempt. */
const refusalLasts = 20;
/** A report older than this says nothing about now. Three missed reports. */
export const reportIsCurrent = 350;

/** Pure. Undefined: there is none. */
export function findEvidence(view: AgentView, member: string): Evidence | undefined {
  if (member === view.me) {
    return view.own.postgres === 'crashed' ? { kind: 'dead', because: 'its postmaster is gone' } : undefined;
  }
  const sight = view.others.get(member);
  if (sight === undefined) return undefined;
  const said = currentReport(sight);
  if (said?.postgres === 'crashed') return { kind: 'dead', because: 'its agent says that its postmaster is gone' };
  if (sight.refusing !== undefined && sight.refusing >= refusalLasts) {
    return { kind: 'dead', because: 'its agent, its Patroni and its PostgreSQL refuse connections' };
  }
  const witnesses = silenceWitnesses(view, member);
  const judges = view.settings.members.length - 1;
  if (witnesses.length * 2 > judges) {
    return { kind: 'silent', because: `no answer to ${witnesses.join(', ')} for ${view.settings.silence} ms` };
  }
  return undefined;
}

/** Members that have counted `member` as silent, as of now. */
function silenceWitnesses(view: AgentView, member: string): readonly string[] {
  return view.settings.members.filter((name) => {
    if (name === member) return false;
    if (name === view.me) return isSilent(view, member);
    const sight = view.others.get(name);
    return sight !== undefined && currentReport(sight)?.silent.includes(member) === true;
  });
}

/** By this agent's own ears. A member that it never heard is not silent but unknown. */
export function isSilent(view: AgentView, member: string): boolean {
  const silent = view.others.get(member)?.silent;
  return silent !== undefined && silent >= view.settings.silence;
}

export function currentReport(sight: MemberSight) {
  return sight.report !== undefined && sight.report.age <= reportIsCurrent ? sight.report.said : undefined;
}
