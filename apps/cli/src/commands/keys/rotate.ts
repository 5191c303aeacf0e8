import { rotateKeys } from '@holdfast/cluster';
import { type KeyKind, type KeyMaterial, keyKinds, type SigningAlgorithm, signingAlgorithms } from '@holdfast/keys';
import type { Command } from 'commander';
import pc from 'picocolors';
import { runs } from '../../define-command.js';
import { parseDurationOption } from '../../parse-duration.js';
import { askToConfirm } from '../../terminal/confirm.js';
import { usageError } from '../../usage-error.js';
import { keysOf, withCluster } from '../../with-cluster.js';
import { shortTime } from './describe-keys.js';

interface Options {
  readonly grace: string;
  readonly algorithm?: string;
  readonly yes?: boolean;
}

/** What a rotation means for those who have the old key. */
const effects: Readonly<Record<KeyKind, string>> = {
  'jwt-secret':
    'a new secret signs; the anon and service_role keys are new too, and sessions by the old one end with it',
  signing: 'a new key signs; tokens by the old one end with it',
  publishable: 'a new sb_publishable_ key',
  secret: 'a new sb_secret_ key',
};

export function addRotate(keys: Command): void {
  const command = keys
    .command('rotate')
    .description('make new keys; the old ones stay valid for a while; asks first')
    .argument('<key...>', keyKinds.join(', '))
    .option('--grace <duration>', 'how long the old ones stay valid; 0s: not at all', '24h')
    .option('--algorithm <name>', 'of the new signing key: es256, rs256; default: the same as before')
    .option('--yes', 'answer yes');
  runs<Options>(
    command,
    [
      ['holdfast keys rotate secret', 'a new secret key; the old one works for another day'],
      ['holdfast keys rotate jwt-secret signing --grace 7d', 'all that signs tokens, within a week'],
      ['holdfast keys rotate signing --algorithm rs256', 'for those who cannot check ES256'],
      ['holdfast keys rotate secret --grace 0s --yes', 'it leaked: the old one ends now'],
    ],
    async (args, options, environment) => {
      const kinds = parseKinds(args);
      const grace = parseDurationOption(options.grace, '--grace', 'holdfast keys rotate secret --grace 24h');
      const signingAlgorithm = parseAlgorithm(options.algorithm, kinds);
      await withCluster(environment, async (context) => {
        const { output, signal } = environment;
        const before = await keysOf(context);
        for (const kind of kinds) output.note(`${pc.bold(kind)}  ${effects[kind]}`);
        output.note(describeGrace(before, kinds, options.grace, grace));
        if (!(await askToConfirm(`Rotate ${kinds.join(' and ')}?`, options.yes === true, environment))) {
          output.result({ cluster: context.spec.name, rotated: [] }, 'Nothing was changed.');
          return;
        }
        const after = await rotateKeys(context, { kinds, graceMilliseconds: grace, ...signingAlgorithm, signal });
        const rotated = kinds.map((kind) => describeRotated(kind, after));
        const lines = rotated.map(({ key, id, oldValidUntil }) =>
          [
            `${pc.green('✔')} ${pc.bold(key)} is ${id} now; `,
            oldValidUntil === null
              ? 'the old one is not valid any more.'
              : `the old one ends ${shortTime(oldValidUntil)}.`,
          ].join(''),
        );
        output.result({ cluster: context.spec.name, rotated }, [...lines, 'New values: holdfast env'].join('\n'));
      });
    },
  );
}

function parseKinds(args: readonly string[]): readonly KeyKind[] {
  return [...new Set(args)].map((text) => {
    const kind = keyKinds.find((each) => each === text);
    if (kind === undefined) throw usageError(`There is no key "${text}".`, `Choose among ${keyKinds.join(', ')}.`);
    return kind;
  });
}

function parseAlgorithm(
  text: string | undefined,
  kinds: readonly KeyKind[],
): { readonly signingAlgorithm?: SigningAlgorithm } {
  if (text === undefined) return {};
  const signingAlgorithm = signingAlgorithms.find((each) => each.toLowerCase() === text.toLowerCase());
  if (signingAlgorithm === undefined) {
    throw usageError(`There is no algorithm "${text}" for a signing key.`, 'Choose es256 or rs256.');
  }
  if (!kinds.includes('signing')) {
    throw usageError('Only a signing key has an algorithm.', 'Try: holdfast keys rotate signing --algorithm rs256');
  }
  return { signingAlgorithm };
}

function describeGrace(material: KeyMaterial, kinds: readonly KeyKind[], text: string, milliseconds: number): string {
  if (milliseconds === 0) return 'What is in use now, and what was retired before, ends at once.';
  const retired = kinds.some((kind) => material[kind].previous.length > 0);
  return `What is in use now stays valid for ${text}${retired ? '; what was retired before, no longer than that' : ''}.`;
}

function describeRotated(kind: KeyKind, material: KeyMaterial) {
  const { current, previous } = material[kind];
  return { key: kind, id: current.id, oldValidUntil: previous[0]?.expiresAt ?? null };
}
