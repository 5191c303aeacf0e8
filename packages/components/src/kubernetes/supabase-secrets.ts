/** Secrets that the community chart is told to take, in the cluster's namespace; make-secrets makes them. */
export const chartSecrets = {
  jwt: 'supabase-jwt',
  db: 'supabase-db',
  analytics: 'supabase-analytics',
  smtp: 'supabase-smtp',
  dashboard: 'supabase-dashboard',
  s3: 'supabase-s3',
  realtime: 'supabase-realtime',
  meta: 'supabase-meta',
  minio: 'supabase-minio',
} as const;

/** The chart's own defaults for each of these are known to everybody: they are set to nothing, and the Secret's keys are named. */
export const chartSecretKeys: Readonly<Record<keyof typeof chartSecrets, readonly string[]>> = {
  jwt: ['anonKey', 'serviceKey', 'secret'],
  db: ['password'],
  analytics: ['publicAccessToken', 'privateAccessToken'],
  smtp: ['username', 'password'],
  dashboard: ['username', 'password', 'openAiApiKey'],
  s3: ['keyId', 'accessKey'],
  realtime: ['secretKeyBase', 'dbEncKey'],
  meta: ['cryptoKey'],
  minio: ['user', 'password'],
};
