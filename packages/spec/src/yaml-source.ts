import { isAlias, isMap, isScalar, isSeq, LineCounter, type Node, parseDocument } from 'yaml';
import type { SpecIssue } from './errors.js';
import { pathText } from './path-text.js';
import { shownText } from './shown-value.js';

export interface YamlSource {
  /** Plain data; `{}` for an empty file. */
  readonly value: unknown;
  readonly issues: readonly SpecIssue[];
  /** The line of a place, or of the nearest place around it; counted from 1. */
  lineOf(path: readonly PropertyKey[]): number;
}

const maximumDepth = 20;

/** Reads YAML 1.2 (JSON included) and remembers where everything stood. Never throws. */
export function readYaml(text: string): YamlSource {
  const counter = new LineCounter();
  const lines = new Map<string, number>();
  const issues: SpecIssue[] = [];
  const report = (path: readonly PropertyKey[], node: Node | null | undefined, problem: string, suggestion: string) => {
    const line = node?.range ? counter.linePos(node.range[0]).line : lineOf(path);
    issues.push({ path: pathText(path), line, problem, suggestion });
  };
  const lineOf = (path: readonly PropertyKey[]): number => {
    for (let length = path.length; length > 0; length -= 1) {
      const line = lines.get(JSON.stringify(path.slice(0, length)));
      if (line !== undefined) return line;
    }
    return 1;
  };

  const read = (node: Node | null | undefined, path: readonly PropertyKey[]): unknown => {
    if (path.length > maximumDepth) {
      report(path.slice(0, 3), node, 'is nested too deeply', 'Nothing in this file is deeper than three levels.');
      return undefined;
    }
    if (node?.range && !lines.has(JSON.stringify(path))) {
      lines.set(JSON.stringify(path), counter.linePos(node.range[0]).line);
    }
    if (isAlias(node)) {
      report(path, node, 'is an alias, which this file may not have', 'Write the value itself.');
      return undefined;
    }
    if (isSeq(node)) return node.items.map((item, index) => read(item as Node, [...path, index]));
    if (!isMap(node)) return isScalar(node) ? node.value : null;
    const result: Record<string, unknown> = {};
    for (const { key, value } of node.items) {
      const name = isScalar(key) ? String(key.value) : undefined;
      if (name === undefined || name === '__proto__' || name === '<<') {
        report(path, key as Node, 'has a key that is not a plain name', 'Write `name: value`.');
        continue;
      }
      const at = [...path, name];
      if (Object.hasOwn(result, name)) {
        const first = lineOf(at);
        report(at, key as Node, `is there twice, first on line ${first}`, 'Keep one of them.');
        continue;
      }
      const range = (key as Node).range;
      if (range) lines.set(JSON.stringify(at), counter.linePos(range[0]).line);
      result[name] = read(value as Node | null, at);
    }
    return result;
  };

  const syntaxError = (problem: string, position: number): SpecIssue => {
    const { line, col } = counter.linePos(position);
    const value = shownText((text.split('\n')[line - 1] ?? '').trim());
    return {
      path: '(document)',
      line: Math.max(line, 1),
      column: Math.max(col, 1),
      problem: `is not valid YAML: ${problem}`,
      ...(value === undefined ? {} : { value }),
      suggestion: 'Look for a missing colon, quote or bracket, a tab, or wrong indentation here or just above.',
    };
  };

  try {
    const document = parseDocument(text, { lineCounter: counter, prettyErrors: false, uniqueKeys: false });
    const [first] = [...document.errors, ...document.warnings].sort((a, b) => a.pos[0] - b.pos[0]);
    // One error breaks what follows it, and what was read up to there would mislead.
    if (first !== undefined) return { value: {}, issues: [syntaxError(first.message, first.pos[0])], lineOf };
    return { value: read(document.contents, []) ?? {}, issues, lineOf };
  } catch (error) {
    // The library recurses, and thousands of open brackets exhaust its stack.
    return { value: {}, issues: [syntaxError(error instanceof Error ? error.message : String(error), 0)], lineOf };
  }
}
