import { createHash } from 'node:crypto';
import { chmodSync, chownSync, lstatSync, mkdirSync, readFileSync, renameSync, rmdirSync, rmSync } from 'node:fs';
import { dirname } from 'node:path';
import type { Unit, UnitFile } from '@holdfast/components';
import { statePaths, unitDirectory } from '@holdfast/components/paths';
import { fillTemplate, type Secrets } from '@holdfast/spec/secrets';
import { unknownAccount } from '../errors.js';
import { type Account, findAccount, isRoot } from './accounts.js';
import { writeFileAtomically } from './atomic-file.js';

/** The account that a unit runs as; undefined: our own, because we are not root. Throws HF_RUNTIME_ACCOUNT. */
export function unitAccount(unit: Unit): Account | undefined {
  if (!isRoot()) return undefined;
  const account = findAccount(unit.user);
  if (account === undefined) throw unknownAccount(unit.id, unit.user);
  return account;
}

/**
 * The folders that all units share. As root, units run under accounts of their own, which must get through these to what is
 * theirs, but may not list them.
 */
export function ensureStateFolders(stateDirectory: string): void {
  const paths = statePaths(stateDirectory);
  const passable = isRoot() ? 0o711 : 0o700;
  for (const folder of [stateDirectory, paths.units, paths.data, paths.logs]) {
    mkdirSync(folder, { recursive: true, mode: passable });
    chmodSync(folder, passable);
  }
  mkdirSync(paths.unitRecords, { recursive: true, mode: 0o700 });
}

/** Folders and files as the unit wants them; what is right already is not touched. */
export function prepareUnit(unit: Unit, stateDirectory: string, secrets: Secrets): void {
  const owner = unitAccount(unit);
  ensureFolder(unitDirectory(stateDirectory, unit.id), 0o700, owner);
  for (const volume of unit.volumes) ensureFolder(volume.path, volume.mode, owner);
  ensureFolder(unit.workingDirectory, 0o700, owner);
  for (const file of filesThatDiffer(unit, secrets)) {
    ensureFolder(dirname(file.path), 0o700, owner);
    writeFileAtomically(file.path, fillTemplate(file.content, secrets), { mode: file.mode, owner });
  }
  for (const { from, path, mode } of unit.copies ?? []) {
    writeFileAtomically(path, readFileSync(from, 'utf8'), { mode, owner });
  }
}

/** Files that are not there, or not as the unit wants them. */
export function filesThatDiffer(unit: Unit, secrets: Secrets): UnitFile[] {
  const owner = unitAccount(unit);
  return unit.files.filter((file) => {
    const found = lstatSync(file.path, { throwIfNoEntry: false });
    if (found === undefined || !found.isFile() || (found.mode & 0o7777) !== file.mode) return true;
    if (owner !== undefined && (found.uid !== owner.uid || found.gid !== owner.gid)) return true;
    return readFileSync(file.path, 'utf8') !== fillTemplate(file.content, secrets);
  });
}

export function removeFiles(files: readonly UnitFile[]): void {
  for (const file of files) rmSync(file.path, { force: true });
}

/** Only when nothing is in it any more. */
export function removeUnitFolder(stateDirectory: string, unitId: string): void {
  try {
    rmdirSync(unitDirectory(stateDirectory, unitId));
  } catch {
    // Not empty, or never made.
  }
}

const defaultPath = '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin';

/** What the unit names, secrets filled in; nothing is inherited. */
export function unitEnvironment(unit: Unit, secrets: Secrets): Record<string, string> {
  const entries = Object.entries(unit.env).map(([name, value]) => [
    name,
    typeof value === 'string' ? value : fillTemplate([value], secrets),
  ]);
  return { PATH: defaultPath, ...Object.fromEntries(entries) };
}

export function hashEnvironment(unit: Unit, secrets: Secrets): string {
  const sorted = Object.entries(unitEnvironment(unit, secrets)).sort(([one], [other]) => (one < other ? -1 : 1));
  return createHash('sha256').update(JSON.stringify(sorted)).digest('hex');
}

/**
 * Missing folders above it become the unit's as well; an existing one is left as it is. It is the unit's when it appears: one that a killed
 * supervisor left with another owner would keep the unit out for good.
 */
function ensureFolder(path: string, mode: number, owner: Account | undefined): void {
  if (lstatSync(path, { throwIfNoEntry: false }) !== undefined) return;
  ensureFolder(dirname(path), 0o700, owner);
  const draft = `${path}.new`;
  // Only an empty one: what a killed supervisor left of this very step.
  if (lstatSync(draft, { throwIfNoEntry: false }) !== undefined) rmdirSync(draft);
  mkdirSync(draft, { mode });
  chmodSync(draft, mode);
  if (owner !== undefined) chownSync(draft, owner.uid, owner.gid);
  renameSync(draft, path);
}
