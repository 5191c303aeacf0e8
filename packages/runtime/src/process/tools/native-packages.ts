import { readdirSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';

/**
 * What is not JavaScript cannot be part of a program of one file: Node.js looks for such packages in `node_modules` beside it. The files of those that the
 * API's bundle needs, with their names in there. Two versions of such a package differ in nothing that we call.
 */
export function nativePackageFiles(bundle: string): readonly { readonly name: string; readonly path: string }[] {
  const entry = createRequire(bundle).resolve('@node-rs/bcrypt');
  const scope = dirname(dirname(entry));
  return readdirSync(scope)
    .filter((each) => /^(?:argon2|bcrypt)(-linux-|$)/.test(each))
    .sort()
    .flatMap((name) =>
      readdirSync(join(scope, name))
        .filter((file) => /\.(?:[cm]?js|json|node)$/.test(file))
        .sort()
        .map((file) => ({ name: `@node-rs/${name}/${file}`, path: join(scope, name, file) })),
    );
}
