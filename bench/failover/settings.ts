import type { Tools } from '@holdfast/components';
import { autoFailoverVersion, missingAutoFailover, openAutoFailover } from './auto-failover-contender.js';
import type { Contender } from './contender.js';
import { openHoldfast, openStock } from './holdfast-contender.js';
import type { Lab } from './lab.js';
import type { Setting } from './rows.js';

export interface SettingOptions {
  readonly tools: Tools;
  readonly agents: boolean;
  /** A lab that we are in, or why there is none. */
  readonly lab: Lab | string;
  readonly signal: AbortSignal;
}

/** Why it cannot be measured here; undefined: it can. */
export function missingFor(setting: Setting, { tools, lab }: SettingOptions): string | undefined {
  if (setting === 'lab') return typeof lab === 'string' ? lab : undefined;
  return setting === 'pg_auto_failover' ? missingAutoFailover(tools) : undefined;
}

/** Starts what the rows of this setting are measured on. */
export async function openSetting(setting: Setting, options: SettingOptions): Promise<Contender> {
  const { tools, agents, lab, signal } = options;
  switch (setting) {
    case 'on':
    case 'strict':
      return await openHoldfast({ mode: setting, agents });
    case 'lab':
      if (typeof lab === 'string') throw new Error(lab);
      return await openHoldfast({ mode: 'on', agents, lab });
    case 'stock':
      return await openStock(tools);
    case 'pg_auto_failover':
      return await openAutoFailover(tools, signal);
  }
}

/** Of the contenders that are not Holdfast's own parts. */
export async function peerVersions(settings: ReadonlySet<Setting>): Promise<Readonly<Record<string, string>>> {
  return settings.has('pg_auto_failover') ? { pg_auto_failover: await autoFailoverVersion() } : {};
}
