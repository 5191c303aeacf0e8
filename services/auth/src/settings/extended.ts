import { z } from 'zod';

/** Providers that administrators add at run time (auth.custom_oauth_providers), by /admin/custom-providers. */
export const customProviderSettings = z
  .strictObject({
    enabled: z.boolean().default(true),
    /** 0: as many as one likes. */
    maxProviders: z.number().int().nonnegative().default(0),
  })
  .prefault({});

/** `token?grant_type=id_token`. */
export const idTokenSettings = z
  .strictObject({
    /** Issuers whose tokens are accepted though they are no provider's; the caller names the audience. */
    allowedIssuers: z.array(z.string()).default([]),
    /** Further audience of Apple's tokens: the bundle of an iOS application. */
    iosBundleId: z.string().optional(),
  })
  .prefault({});

/** Calls to addresses that administrators enter through the API: custom providers, SAML metadata. */
export const outboundSettings = z
  .strictObject({
    /** Also to loopback and private addresses. False where somebody untrusted may hold the service key. */
    privateAddresses: z.boolean().default(false),
    /** Further certificate authorities, PEM. */
    ca: z.string().optional(),
    timeoutSeconds: z.number().positive().default(10),
  })
  .prefault({});

/** What authSettings takes from here. */
export const extendedSettings = {
  customProviders: customProviderSettings,
  idTokens: idTokenSettings,
  outbound: outboundSettings,
};

export type OutboundSettings = z.output<typeof outboundSettings>;
