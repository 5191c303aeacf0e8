import { chmodSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

/**
 * The two calls of kubectl that make-secrets makes, on a folder instead of a cluster: what it was called with goes to `calls`, a Secret is a folder
 * with a file for each key. Answers the folder to put in front of PATH. The real one is asked in api-server.integration.test.ts.
 */
export function standInKubectl(directory: string): string {
  const bin = join(directory, 'bin');
  mkdirSync(bin, { recursive: true });
  mkdirSync(join(directory, 'secrets'), { recursive: true });
  const program = join(bin, 'kubectl');
  writeFileSync(
    program,
    `#!/bin/bash
set -eu
cd '${directory}'
echo "$@" >>calls
case "$1 $2" in
  'get secret')
    for last; do :; done
    if [[ $last == go-template=*index* ]]; then key=\${last#*\\"}; cat "secrets/$3/\${key%%\\"*}"
    elif [[ $last == go-template=* ]]; then key=\${last#*.data.}; cat "secrets/$3/\${key%% *}"
    elif [[ -d secrets/$3 ]]; then echo "secret/$3"; fi ;;
  'create secret')
    [[ ! -e secrets/$4 ]]
    for last; do :; done
    cp -r "$last" "secrets/$4" ;;
  *) exit 1 ;;
esac
`,
  );
  chmodSync(program, 0o755);
  return bin;
}
