import { checkHistoryFile, renderVerdictText, verdictJson } from '@holdfast/chaos';
import { ExitCode } from '@holdfast/spec';
import type { Command } from 'commander';
import { runs } from '../../define-command.js';

export function addChaosCheck(chaos: Command): void {
  const command = chaos
    .command('check')
    .description('judge the history of an earlier run again')
    .argument('<file>', 'history.ndjson of a run');
  runs(
    command,
    [
      ['holdfast chaos check holdfast-chaos/…/history.ndjson', 'exit code 0: every promise was kept'],
      ['holdfast chaos check history.ndjson --json | jq .valid', 'for scripts'],
    ],
    async ([file = ''], _options, { signal, output }) => {
      const { history, verdict } = await checkHistoryFile(file, signal);
      output.result(verdictJson(history, verdict), renderVerdictText(history, verdict));
      return verdict.valid === true ? ExitCode.ok : ExitCode.failure;
    },
  );
}
