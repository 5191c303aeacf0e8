import type { LineLog, Metrics } from '@holdfast/http';
import type { KeyMaterial } from '@holdfast/keys';
import type { Backend } from './backend.js';
import type { ServiceName } from './service-names.js';

export interface GatewayOptions {
  readonly host: string;
  /** 0: a free one. */
  readonly port: number;
  readonly backends: Readonly<Partial<Record<ServiceName, Backend>>>;
  /** Asked at each use, so that rotated keys count at once. */
  readonly keys: () => KeyMaterial;
  /** Whether a request without any key passes as anon, as in the Supabase CLI's set-up. Default false. */
  readonly keyless?: boolean | undefined;
  /** Origins that scripts may come from. Default any. */
  readonly allowedOrigins?: readonly string[] | undefined;
  /** What X-Forwarded-* of clients say is believed: they are balancers of ours. Default false. */
  readonly trustForwarded?: boolean | undefined;
  /** Bytes of a request's body; services may take less. Default 50 MiB. */
  readonly bodyLimit?: number | undefined;
  /** Of one address; default none. */
  readonly rateLimit?: { readonly perSecond: number; readonly burst: number } | undefined;
  readonly drainMilliseconds?: number | undefined;
  readonly log: LineLog;
  /** Which requests are logged. Default those that failed on our side. */
  readonly accessLog?: 'all' | 'errors' | 'off' | undefined;
  readonly metrics: Metrics;
}
