import type { z } from 'zod';
import { findContradictions } from './contradictions.js';
import { SpecInvalidError, type SpecIssue } from './errors.js';
import { pathText } from './path-text.js';
import type { Problem } from './problem.js';
import { type SpecFile, specSchema } from './schema.js';
import { shownValue } from './shown-value.js';
import { suggestKey, suggestValue } from './suggest.js';
import { readYaml, type YamlSource } from './yaml-source.js';

/**
 * Reads `holdfast.yaml`. An empty file is the default cluster.
 * Errors: SpecInvalidError (HF_SPEC_INVALID) with everything that is wrong, by line; nothing else is thrown.
 */
export function parseSpecFile(text: string, fileName: string): SpecFile {
  const source = readYaml(text);
  const { file, problems } = validate(source.value);
  const unread = new Set(source.issues.map(({ path }) => path));
  const invalid = [...unread, ...problems.map(({ path }) => pathText(path))];
  const contradictions = file === undefined ? [] : findContradictions(file, invalid);
  const found = [...problems, ...contradictions].filter(({ path }) => !unread.has(pathText(path)));
  const issues = unique([...source.issues, ...found.map((problem) => locate(problem, source))]);
  if (issues.length > 0) throw new SpecInvalidError(fileName, issues);
  if (file === undefined) throw new SpecInvalidError(fileName, [unexplained]);
  return file;
}

const unexplained: SpecIssue = {
  path: '(document)',
  line: 1,
  problem: 'is not a valid spec',
  suggestion: 'See `holdfast init` for a file with every setting.',
};

interface Validated {
  readonly file: SpecFile | undefined;
  readonly problems: readonly Problem[];
}

/**
 * The file, or as much of it as is valid by itself, and what is wrong. zod leaves some checks out where there is an
 * error already; so what is left without the errors is validated again, `passes` times at most.
 */
function validate(value: unknown, passes = 4): Validated {
  const result = specSchema.safeParse(value);
  if (result.success) return { file: result.data, problems: [] };
  const problems = result.error.issues.flatMap((issue) => explain(issue, []));
  if (passes === 0) return { file: undefined, problems };
  const rest = validate(
    problems.reduce((remaining, { path }) => without(remaining, path), value),
    passes - 1,
  );
  return { file: rest.file, problems: [...problems, ...rest.problems] };
}

function explain(issue: z.core.$ZodIssue, prefix: readonly PropertyKey[]): readonly Problem[] {
  const path = [...prefix, ...issue.path];
  if (issue.code === 'unrecognized_keys') {
    return issue.keys.map((key) => ({
      path: [...path, key],
      problem: 'is not a setting',
      suggestion: suggestKey(path, key),
    }));
  }
  if (issue.code === 'invalid_union') {
    // The alternative that fits the kind of value says best what is wrong with it.
    const fitting = issue.errors.find((errors) => errors.length > 0 && !errors.some(isOtherKind));
    if (fitting !== undefined) return fitting.flatMap((inner) => explain(inner, path));
  }
  const given: unknown = issue.code === 'custom' ? issue.params?.suggestion : undefined;
  const suggestion = typeof given === 'string' ? given : suggestValue(path);
  return [{ path, problem: issue.message, suggestion }];
}

function isOtherKind(issue: z.core.$ZodIssue): boolean {
  return issue.path.length === 0 && (issue.code === 'invalid_type' || issue.code === 'invalid_value');
}

/** A copy that lacks what is at the path, or the whole list that it is in. */
function without(value: unknown, path: readonly PropertyKey[]): unknown {
  const [key, ...rest] = path;
  if (key === undefined) return {};
  if (typeof value !== 'object' || value === null) return value;
  const remaining = Object.entries(value).filter(([name]) => name !== key);
  const inner = rest.length === 0 ? undefined : Object.entries(value).find(([name]) => name === key)?.[1];
  if (inner === undefined || Array.isArray(inner)) return Object.fromEntries(remaining);
  return Object.fromEntries([...remaining, [key, without(inner, rest)]]);
}

function locate({ path, problem, suggestion }: Problem, source: YamlSource): SpecIssue {
  const value = shownValue(path, valueAt(source.value, path));
  return {
    path: pathText(path),
    line: source.lineOf(path),
    problem,
    ...(value === undefined ? {} : { value }),
    suggestion,
  };
}

function valueAt(value: unknown, path: readonly PropertyKey[]): unknown {
  return path.reduce<unknown>((current, key) => {
    if (typeof current !== 'object' || current === null || !Object.hasOwn(current, key)) return undefined;
    return (current as Record<PropertyKey, unknown>)[key];
  }, value);
}

function unique(issues: readonly SpecIssue[]): readonly SpecIssue[] {
  const byText = new Map(issues.map((issue) => [`${issue.path}\n${issue.problem}`, issue]));
  return [...byText.values()].sort((a, b) => a.line - b.line);
}
