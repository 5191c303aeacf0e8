import { join } from 'node:path';

/** Where a cluster keeps what, below its state folder. One place, so that nobody guesses. */
export interface StatePaths {
  /** Secrets, 0600. */
  readonly secrets: string;
  /** Keys of the API, 0600. */
  readonly keys: string;
  /** Ports that `ports: auto` chose. */
  readonly ports: string;
  /** The plan that was applied last, redacted by construction (secrets are references). */
  readonly plan: string;
  /** Lock for everything that changes the cluster. */
  readonly lock: string;
  /** The supervisor's control socket, pid file and own log. */
  readonly supervisorSocket: string;
  readonly supervisorPid: string;
  readonly supervisorLog: string;
  /** One JSON file a running unit: pid, start time, boot id. */
  readonly unitRecords: string;
  readonly logs: string;
  /** `units/<id>/`: a unit's configuration, owned by its user. */
  readonly units: string;
  /** `data/<id>/`: what must survive. */
  readonly data: string;
}

export function statePaths(stateDirectory: string): StatePaths {
  const at = (...names: string[]) => join(stateDirectory, ...names);
  return {
    secrets: at('secrets.json'),
    keys: at('keys.json'),
    ports: at('ports.json'),
    plan: at('plan.json'),
    lock: at('lock'),
    supervisorSocket: at('supervisor.sock'),
    supervisorPid: at('supervisor.json'),
    supervisorLog: at('logs', 'supervisor.log'),
    unitRecords: at('records'),
    logs: at('logs'),
    units: at('units'),
    data: at('data'),
  };
}

/** A unit's own folder for configuration. */
export function unitDirectory(stateDirectory: string, unitId: string): string {
  return join(statePaths(stateDirectory).units, unitId);
}

/** A unit's persistent folder. */
export function unitData(stateDirectory: string, unitId: string): string {
  return join(statePaths(stateDirectory).data, unitId);
}

/** PostgreSQL's data directory of a member. */
export function memberDataDirectory(stateDirectory: string, member: string): string {
  return join(unitData(stateDirectory, member), 'pgdata');
}
