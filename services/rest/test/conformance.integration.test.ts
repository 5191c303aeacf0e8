import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type OpenDatabase, openDatabase } from '@holdfast/postgres';
import { createThrowAwayFolder, runProgram } from '@holdfast/testkit';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type CaseDatabase, canLoadCases, startCaseDatabase } from './support/case-database.js';
import { caseSettings } from './support/case-settings.js';
import { knownDifferences } from './support/known-differences.js';
import { startRestServer } from './support/rest-server.js';

/** A folder with cases of PostgREST's own specification (cases.json, run.mjs, seed/), which are not ours to ship. */
const folder = process.env.HOLDFAST_POSTGREST_CASES;

const groups = [
  'base',
  'aggregates',
  'max-rows',
  'multi-schema',
  'extra-search-path',
  'aud-jwt',
  'no-anon',
  'pre-request-headers',
  'root-spec',
  'openapi-disabled',
  'trace-header',
];

interface CaseResult {
  readonly name: string;
  readonly passed: boolean;
  readonly why: string | null;
}

describe.skipIf(folder === undefined || !canLoadCases())("PostgREST's own cases", () => {
  const cases = folder ?? '';
  let database: CaseDatabase;
  let connections: OpenDatabase;

  beforeAll(async () => {
    database = await startCaseDatabase(cases);
    connections = openDatabase(database.target);
  });

  afterAll(async () => {
    await connections?.[Symbol.asyncDispose]();
    await database?.[Symbol.asyncDispose]();
  });

  test.each(groups)(
    'pass, but for those that are listed: %s',
    async (group) => {
      const results = await runCases(cases, group, connections);
      const failed = results.filter(({ passed }) => !passed);
      const expected = Object.keys(knownDifferences[group] ?? {});
      const surprises = failed.filter(({ name }) => !expected.includes(name));
      expect(surprises).toEqual([]);
      expect(expected.filter((name) => !failed.some((result) => result.name === name))).toEqual([]);
      expect(results.length).toBeGreaterThan(0);
      if (group === 'base') expect(1 - failed.length / results.length).toBeGreaterThanOrEqual(0.97);
    },
    240_000,
  );
});

async function runCases(cases: string, group: string, connections: OpenDatabase): Promise<readonly CaseResult[]> {
  // Under a prefix, since Node ends a connection on which a path without a slash comes, as two cases send it.
  await using server = await startRestServer(connections, caseSettings(group), 0, '/rest/v1');
  await using scratch = await createThrowAwayFolder();
  const report = join(scratch.path, 'results.json');
  const run = await runProgram(
    process.execPath,
    [join(cases, 'run.mjs'), server.url, '--config', group, '--json', report],
    { timeoutMilliseconds: 200_000 },
  );
  if (run.stderr !== '') throw new Error(run.stderr);
  return JSON.parse(await readFile(report, 'utf8')) as readonly CaseResult[];
}
