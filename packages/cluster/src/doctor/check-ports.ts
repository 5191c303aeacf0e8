import { error, type Finding, ok, warning } from './finding.js';

export interface PortFact {
  readonly unit: string;
  readonly purpose: string;
  readonly host: string;
  readonly port: number;
  /** Who listens there; undefined: nobody. Its fields are undefined when this account may not know. */
  readonly holder: { readonly pid: number | undefined; readonly name: string | undefined } | undefined;
  /** The unit's processes; undefined: not known. */
  readonly unitPids: readonly number[] | undefined;
}

/** Does everybody listen where it should, and nobody else? A port is taken only by a process known not to be the unit's. */
export function judgePorts(facts: readonly PortFact[]): readonly Finding[] {
  const findings = facts.flatMap((fact): Finding[] => {
    const { unit, purpose, host, port, holder, unitPids } = fact;
    const id = `ports.${unit}.${purpose}`;
    const runs = unitPids !== undefined && unitPids.length > 0;
    if (holder === undefined) {
      if (!runs) return [];
      return [warning(id, `${unit} runs but nothing listens on ${host}:${port} (${purpose})`, `holdfast logs ${unit}`)];
    }
    if (holder.pid === undefined || unitPids === undefined || unitPids.includes(holder.pid)) return [];
    const who = `${holder.name ?? 'a process'} (pid ${holder.pid})`;
    return [
      error(
        id,
        `${host}:${port} (${unit}, ${purpose}) is held by ${who}, which is not ${unit}`,
        `Stop it (kill ${holder.pid}), or give ${unit} another port under \`ports\` in holdfast.yaml and run holdfast up`,
      ),
    ];
  });
  return findings.length > 0 ? findings : [ok('ports', `${facts.length} ports are free or in the right hands`)];
}
