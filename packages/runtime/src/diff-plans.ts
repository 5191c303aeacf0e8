import { isDeepStrictEqual } from 'node:util';
import type { Plan, Unit, UnitFile } from '@holdfast/components';
import type { DiffPlans, UnitChange } from './runtime.js';

type Action = UnitChange['action'];

/** From the least to the most disturbing, for a unit that runs. */
const severity: readonly Action[] = ['write', 'reload', 'restart'];

/** A running process cannot be given another one of these. */
const fixedAtStart = [
  'component',
  'host',
  'argv',
  'user',
  'namespace',
  'container',
  'workingDirectory',
  'volumes',
  'ports',
] as const;

/** Only whoever looks after the process needs to know these. */
const heldByRuntime = ['readiness', 'stop', 'restart', 'reloadSignal', 'after', 'territory'] as const;

const words: Readonly<Record<string, string>> = {
  workingDirectory: 'working directory',
  stop: 'stop signal',
  restart: 'restart pauses',
  reloadSignal: 'reload signal',
  after: 'dependencies',
};

/** Pure: removals, then changes, then additions, each in the plan's order. Names what differs, never a value. */
export const diffPlans: DiffPlans = (from, to) => {
  const before = new Map((from?.units ?? []).map((unit) => [unit.id, unit]));
  const after = new Set(to.units.map((unit) => unit.id));
  const removals: UnitChange[] = [...before.keys()]
    .filter((id) => !after.has(id))
    .map((unit) => ({ unit, action: 'remove', because: ['no longer in the plan'] }));
  const changes = to.units.flatMap((unit) => {
    const old = before.get(unit.id);
    return old === undefined ? [] : (diffUnits(old, unit) ?? []);
  });
  const additions: UnitChange[] = to.units
    .filter((unit) => !before.has(unit.id))
    .map((unit) => ({ unit: unit.id, action: 'start', because: ['new in the plan'] }));
  return withCompanions(from, to, [...removals, ...changes, ...additions]);
};

/** What changes for one unit of a container restarts all that were in it before and stay. */
function withCompanions(from: Plan | undefined, to: Plan, changes: readonly UnitChange[]): readonly UnitChange[] {
  const containerOf = (id: string) =>
    [...to.units, ...(from?.units ?? [])].find((unit) => unit.id === id)?.container?.name;
  const disturbing = changes.filter(({ action }) => action !== 'write' && action !== 'reload');
  const companions = to.units.flatMap((unit): UnitChange[] => {
    const cause = disturbing.find(
      (other) => other.unit !== unit.id && containerOf(other.unit) === unit.container?.name,
    );
    const stays = from?.units.some(({ id }) => id === unit.id) === true;
    if (unit.container === undefined || cause === undefined || !stays) return [];
    return [{ unit: unit.id, action: 'restart', because: [`container of ${cause.unit}`] }];
  });
  const merged = changes.map((change) => {
    const companion = companions.find(({ unit }) => unit === change.unit);
    return companion === undefined ? change : mergeChanges(change, companion);
  });
  return [...merged, ...companions.filter(({ unit }) => !changes.some((change) => change.unit === unit))];
}

/** What a process that was started as `from` needs to become `to`; undefined: nothing. */
export function diffUnits(from: Unit, to: Unit): UnitChange | undefined {
  const found: UnitChange[] = [];
  const add = (action: Action, reason: string) => found.push({ unit: to.id, action, because: [reason] });
  for (const key of fixedAtStart) if (!isDeepStrictEqual(from[key], to[key])) add('restart', words[key] ?? key);
  for (const name of unequalKeys(from.env, to.env)) add('restart', `env ${name}`);
  for (const key of heldByRuntime) if (!isDeepStrictEqual(from[key], to[key])) add('write', words[key] ?? key);
  const oldFiles = filesByPath(from);
  const newFiles = filesByPath(to);
  for (const path of unequalKeys(oldFiles, newFiles)) {
    const file = newFiles[path] ?? oldFiles[path];
    if (file === undefined) continue;
    if (newFiles[path] !== undefined && oldFiles[path] !== undefined && sameFile(newFiles[path], oldFiles[path]))
      continue;
    add(fileAction(to, file), `file ${path}`);
  }
  return found.reduce<UnitChange | undefined>((all, one) => mergeChanges(all, one), undefined);
}

/** What a changed file asks for. A unit that knows no reload signal has to be restarted instead. */
export function fileAction(unit: Unit, file: UnitFile): 'write' | 'reload' | 'restart' {
  if (file.onChange === 'nothing') return 'write';
  return file.onChange === 'reload' && unit.reloadSignal !== undefined ? 'reload' : 'restart';
}

/** Two changes to the same unit as one: the more disturbing action, all reasons once. */
export function mergeChanges(one: UnitChange | undefined, other: UnitChange): UnitChange {
  if (one === undefined) return other;
  const action = severity.indexOf(one.action) >= severity.indexOf(other.action) ? one.action : other.action;
  return { unit: one.unit, action, because: [...new Set([...one.because, ...other.because])] };
}

/** onChange only says what to do about a change; it is not one itself. */
function sameFile(one: UnitFile, other: UnitFile): boolean {
  return one.mode === other.mode && isDeepStrictEqual(one.content, other.content);
}

function filesByPath(unit: Unit): Record<string, UnitFile> {
  return Object.fromEntries(unit.files.map((file) => [file.path, file]));
}

function unequalKeys(one: Readonly<Record<string, unknown>>, other: Readonly<Record<string, unknown>>): string[] {
  const keys = [...new Set([...Object.keys(one), ...Object.keys(other)])];
  return keys.filter((key) => !isDeepStrictEqual(one[key], other[key]));
}
