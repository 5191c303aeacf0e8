/** Supabase's API in front of the database, resolved. */
export interface ApiSpec {
  /** Never without the database for Supabase. */
  readonly enabled: boolean;
  readonly host: string;
  readonly port: number;
  readonly profile: 'development' | 'production';
  readonly siteUrl: string;
  /** How clients reach it, without a slash at its end. */
  readonly externalUrl: string;
  readonly redirectUrls: readonly string[];
  readonly workers: number;
  /** To the database, for each service in each worker. */
  readonly connections: number;
  readonly rideMilliseconds: number;
  /** Requests a second from one address; undefined: any number. */
  readonly rateLimit: number | undefined;
  /** undefined: all. */
  readonly allowedOrigins: readonly string[] | undefined;
  readonly trustForwarded: boolean;
  readonly accessLog: 'all' | 'errors' | 'off';
  readonly auth: {
    readonly confirmEmail: boolean;
    readonly anonymous: boolean;
    readonly signUp: boolean;
    readonly passwordLength: number;
    readonly jwtExpirySeconds: number;
    /** undefined: mails go nowhere. */
    readonly mail: ApiMailSpec | undefined;
    /** By Auth's own names, over everything else. */
    readonly settings: Readonly<Record<string, unknown>>;
  };
  readonly rest: {
    readonly schemas: readonly string[];
    readonly extraSearchPath: readonly string[];
    readonly maxRows: number;
    readonly readReplica: boolean;
    /** By REST's own names, over everything else. */
    readonly settings: Readonly<Record<string, unknown>>;
  };
}

export interface ApiMailSpec {
  readonly host?: string | undefined;
  readonly port?: number | undefined;
  readonly tls?: boolean | undefined;
  readonly user?: string | undefined;
  readonly passwordFile?: string | undefined;
  readonly from?: string | undefined;
  readonly senderName?: string | undefined;
}
