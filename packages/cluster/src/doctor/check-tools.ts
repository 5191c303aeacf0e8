import type { ToolSearch } from '@holdfast/runtime';
import { error, type Finding, info, ok } from './finding.js';

/** The programs that a cluster needs on this machine. */
export function judgeTools(
  search: Pick<ToolSearch, 'missing' | 'refused' | 'versions'> | undefined,
): readonly Finding[] {
  if (!search) return [info('tools', 'the installed programs could not be looked at')];
  const findings: Finding[] = search.missing.map(({ tool, reason }) =>
    error(
      `tools.${tool}`,
      reason,
      'holdfast up installs it (as root on Debian and Ubuntu) or prints the command that does',
    ),
  );
  for (const refused of search.refused) findings.push(info('tools.refused', `not used: ${refused}`));
  const versions = Object.entries(search.versions).map(([tool, version]) => `${tool} ${version}`);
  if (versions.length > 0) findings.push(ok('tools', versions.join(', ')));
  return findings;
}
