import type { Handover, PatroniKeys } from '@holdfast/components';
import type { SynchronousMode } from '@holdfast/spec';
import type { Action } from '../../src/decide.js';
import type { AgentView } from '../../src/view.js';
import type { SimulatedAgent } from './agent.js';

/** What a test breaks on purpose, to see that it is noticed. */
export interface Mutation {
  readonly view?: (view: AgentView) => AgentView;
  readonly gate?: (view: AgentView) => AgentView;
  readonly handover?: (handover: Handover, keys: PatroniKeys) => Handover | undefined;
  readonly actions?: (view: AgentView, actions: readonly Action[]) => readonly Action[];
  readonly noRevoke?: boolean;
}

export interface AgentOptions {
  readonly mode: SynchronousMode;
  readonly members: readonly string[];
  readonly peers: () => ReadonlyMap<string, SimulatedAgent>;
  readonly mutation: Mutation;
  readonly routeAway: (from: string, member: string) => void;
  readonly onAction: (agent: string, action: Action) => void;
  readonly onUp: (agent: SimulatedAgent) => void;
  /** How a report travels. */
  readonly carry: (from: string, to: string, deliver: () => void) => void;
}
