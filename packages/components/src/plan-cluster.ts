import { planAgents } from './agent/unit.js';
import { planApi } from './api/unit.js';
import { planEtcd } from './etcd/unit.js';
import { planHaproxy } from './haproxy/unit.js';
import { planNet } from './net/unit.js';
import { renderDynamicConfiguration } from './patroni/dynamic-configuration.js';
import { planPatroni } from './patroni/unit.js';
import { planPgbouncer } from './pgbouncer/unit.js';
import type { Plan, PlanInput } from './plan.js';

/** Every unit and file of a cluster. Pure: the same input gives the same bytes. */
export function planCluster(input: PlanInput): Plan {
  return {
    cluster: input.spec.name,
    units: [
      ...planEtcd(input),
      ...planPatroni(input),
      ...planAgents(input),
      planHaproxy(input),
      ...planPgbouncer(input),
      ...planNet(input),
      ...planApi(input),
    ],
    dynamicConfiguration: renderDynamicConfiguration(input.spec),
  };
}
