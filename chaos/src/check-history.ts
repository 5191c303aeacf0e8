import { checkAppend } from './checkers/check-append.js';
import { type BankRules, checkBank } from './checkers/check-bank.js';
import { checkRegister } from './checkers/check-register.js';
import { checkSet } from './checkers/check-set.js';
import { checkSinglePrimary } from './checkers/check-single-primary.js';
import { type Check, type Verdict, verdictOf } from './checkers/verdict.js';
import type { History, Operation } from './history/operations.js';
import { readHistory } from './history/reader.js';
import type { WorkloadDescription } from './history/records.js';
import { bankRules } from './workloads/bank-workload.js';

/** Judges a history by the checkers of its workloads, and by those that hold for every workload. Pure. */
export function checkHistory({ header, operations }: History): Verdict {
  const checks = header.workloads.flatMap((description) =>
    checkWorkload(
      description,
      operations.filter(({ workload }) => workload === description.name),
    ),
  );
  return verdictOf([...checks, ...checkSinglePrimary(operations)]);
}

/** Reads a history file and judges it. Throws HF_CHAOS_HISTORY_READ and HF_CHAOS_HISTORY_INVALID. */
export async function checkHistoryFile(
  path: string,
  signal?: AbortSignal,
): Promise<{ readonly history: History; readonly verdict: Verdict }> {
  const history = await readHistory(path, signal);
  return { history, verdict: checkHistory(history) };
}

function checkWorkload(
  { name, isolation, options }: WorkloadDescription,
  operations: readonly Operation[],
): readonly Check[] {
  switch (name) {
    case 'set':
      return checkSet(operations);
    case 'bank':
      return checkBank(operations, { ...bankRules, ...(options as Partial<BankRules>) });
    case 'register':
      return checkRegister(operations);
    case 'append':
      return checkAppend(operations, { isolation });
  }
}
