import type { Verdict } from '../src/checkers/verdict.js';

/** The kinds of anomalies in a verdict, each once, by name. */
export function anomalyNames(verdict: Verdict): readonly string[] {
  return [...new Set(verdict.checks.flatMap(({ anomalies }) => anomalies.map(({ name }) => name)))].sort();
}
