/** What CLI and supervisor say to each other: HTTP with JSON over a Unix socket that only its owner may use. */
import type { Plan } from '@holdfast/components';

export interface SupervisorInfo {
  readonly pid: number;
  readonly build: string;
}

export interface ApplyRequest {
  readonly plan: Plan;
  readonly startEnvironment: Readonly<Record<string, Readonly<Record<string, string>>>>;
}

export interface DownRequest {
  readonly groups: readonly (readonly string[])[];
}

export const unitOrders = ['start', 'stop', 'restart', 'kill'] as const;
export type UnitOrder = (typeof unitOrders)[number];

export const routes = {
  info: '/',
  units: '/units',
  apply: '/apply',
  /** Stops everything, then the supervisor ends. */
  down: '/down',
  /** The supervisor ends, the units go on. */
  leave: '/leave',
  order: (unit: string, order: UnitOrder) => `/units/${encodeURIComponent(unit)}/${order}`,
} as const;
