import { error, type Finding, ok } from './finding.js';

/** PgBouncer that was paused stays so until somebody resumes it: a switchover does, and its guard does when it was killed. */
export function judgePooler(paused: boolean | undefined): readonly Finding[] {
  if (paused === undefined) return [];
  if (!paused) return [ok('pooler', 'the pooler lets its clients through')];
  return [
    error(
      'pooler.paused',
      'the pooler is paused, its clients wait',
      'Look again when no switchover or restart is under way; if it stays so: holdfast up',
    ),
  ];
}
