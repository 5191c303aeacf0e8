import { z } from 'zod';

/** One place where people may sign in by OAuth. */
export const provider = z.strictObject({
  enabled: z.boolean().default(true),
  /** The first is ours at the provider; id tokens for any of them are accepted. */
  clientIds: z.array(z.string()).default([]),
  secret: z.string().default(''),
  /** Default: externalUrl with /callback. */
  redirectUri: z.string().optional(),
  /** The provider's own URL where there are many of it: GitLab, Azure, Keycloak; the issuer of a generic OIDC provider. */
  url: z.string().optional(),
  /** Of generic OIDC: found at the issuer where it is missing. */
  scopes: z.array(z.string()).optional(),
  skipNonceCheck: z.boolean().default(false),
  emailOptional: z.boolean().default(false),
});

export type ProviderSettings = z.output<typeof provider>;

/** By name: google, github, apple, azure, gitlab, discord, or any other name for generic OIDC. */
export const providerSettings = z.record(z.string(), provider).default({});
