import { describeEnvironment, environmentFormats, renderEnvironment, signApiToken } from '@holdfast/keys';
import type { Command } from 'commander';
import { runs } from '../../define-command.js';
import { parseDurationOption } from '../../parse-duration.js';
import { usageError } from '../../usage-error.js';
import { keysOf, secretsOf, withCluster } from '../../with-cluster.js';

interface Options {
  readonly format: string;
  readonly prefix?: string;
  readonly alg: string;
  readonly expires?: string;
}

export function addEnv(program: Command): void {
  const command = program
    .command('env')
    .description('print what applications need to connect, with all keys and passwords, named as Supabase names it')
    .option('--format <format>', environmentFormats.join(', '), 'dotenv')
    .option('--prefix <prefix>', 'give what browsers may know under names with this prefix too')
    .option('--alg <algorithm>', 'what signs the anon and service_role keys: hs256 or es256', 'hs256')
    .option('--expires <duration>', 'let these two expire that far from now, instead of in 10 years');
  runs<Options>(
    command,
    [
      ['holdfast env > .env', 'for an application'],
      ['eval "$(holdfast env --format shell)"', 'into this shell'],
      ['holdfast env --prefix NEXT_PUBLIC_ > .env.local', 'for Next.js; VITE_ for Vite, EXPO_PUBLIC_ for Expo'],
      ['holdfast env --alg es256 --expires 30d', 'keys that end, checked without the JWT secret'],
    ],
    async (_args, options, environment) => {
      const format = parseFormat(options.format);
      const prefix = parsePrefix(options.prefix);
      const signing = { ...parseAlgorithm(options.alg), ...parseExpiry(options.expires) };
      await withCluster(environment, async (context) => {
        const { postgres } = secretsOf(context);
        const material = await keysOf(context);
        const values = describeEnvironment({
          spec: context.spec,
          password: postgres,
          keys: {
            anon: await signApiToken('anon', material, signing),
            serviceRole: await signApiToken('service_role', material, signing),
            publishable: material.publishable.current.value,
            secret: material.secret.current.value,
            jwtSecret: material['jwt-secret'].current.value,
          },
          ...(prefix === undefined ? {} : { prefix }),
        });
        environment.output.result(values, renderEnvironment(values, format));
      });
    },
  );
}

function parseFormat(text: string) {
  const format = environmentFormats.find((each) => each === text);
  if (format !== undefined) return format;
  throw usageError(`There is no format "${text}".`, `Choose one of ${environmentFormats.join(', ')}.`);
}

function parsePrefix(text: string | undefined): string | undefined {
  if (text === undefined || /^[A-Z][A-Z0-9_]{0,39}$/.test(text)) return text;
  throw usageError(`"${text}" is no prefix for names.`, 'Capital letters, digits and underscores: NEXT_PUBLIC_');
}

function parseAlgorithm(text: string): { readonly algorithm: 'HS256' | 'ES256' } {
  if (text === 'hs256') return { algorithm: 'HS256' };
  if (text === 'es256') return { algorithm: 'ES256' };
  throw usageError(`There is no algorithm "${text}".`, 'Choose hs256 or es256.');
}

function parseExpiry(text: string | undefined): { readonly issuedAt?: Date; readonly lifetimeSeconds?: number } {
  if (text === undefined) return {};
  const example = 'holdfast env --expires 30d';
  const lifetimeSeconds = Math.floor(parseDurationOption(text, '--expires', example) / 1000);
  if (lifetimeSeconds < 1) throw usageError('--expires takes at least one second.', example);
  return { issuedAt: new Date(), lifetimeSeconds };
}
