/** What stands behind the gateway. */
export const serviceNames = ['auth', 'rest', 'storage', 'realtime', 'functions', 'graphql', 'meta'] as const;

export type ServiceName = (typeof serviceNames)[number];
