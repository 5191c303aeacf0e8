import { isAbsolute } from 'node:path';
import { z } from 'zod';
import { choice, duration, field, group, integer, section } from './field-types.js';
import { specDefaults } from './spec-defaults.js';

const defaults = specDefaults.api;

const flag = () => z.boolean({ error: 'must be true or false' });
const text = (most = 2000) =>
  z.string({ error: 'must be text' }).min(1, { error: 'must not be empty' }).max(most, { error: 'is too long' });
const textList = () => z.array(text(), { error: 'must be a list of texts' });

const address = z
  .string({ error: 'must be a URL as text' })
  .refine((value) => URL.canParse(value) && /^https?:$/.test(new URL(value).protocol), {
    error: 'must be a URL that begins with http:// or https://',
  });

const file = z
  .string({ error: 'must be a path as text' })
  .refine((value) => isAbsolute(value) && !/\p{Cc}/u.test(value), { error: 'must be the absolute path of a file' });

const settings = () => z.record(z.string(), z.unknown(), { error: 'must be settings, one a line: `name: value`' });

const mail = group({
  host: field(text(), 'The SMTP server.', { examples: ['smtp.example.com'] }),
  port: field(integer(1, 65_535), 'Its port.', { default: 587 }),
  tls: field(flag(), 'TLS from the start (port 465); otherwise STARTTLS where the server offers it.', {
    default: false,
  }),
  user: field(text(), 'Whom to log in as.', { examples: ['mailer'] }),
  passwordFile: field(file, 'A file whose one line is the password.', { examples: ['/etc/holdfast/smtp-password'] }),
  from: field(text(), 'The address that mails come from.', { examples: ['no-reply@example.com'] }),
  senderName: field(text(), 'The name beside it.', { examples: ['Example'] }),
});

const auth = group({
  confirmEmail: field(
    flag(),
    'Whoever signs up must confirm the email address first. With the profile production: true.',
    { default: defaults.auth.confirmEmail },
  ),
  anonymous: field(flag(), 'Users may sign in without telling who they are.', { default: defaults.auth.anonymous }),
  signUp: field(flag(), 'New users may sign up.', { default: defaults.auth.signUp }),
  passwordLength: field(integer(1, 72), 'Characters that a password has at least. With the profile production: 8.', {
    default: defaults.auth.passwordLength,
  }),
  jwtExpiry: field(
    duration('s', 1000, 7 * 86_400_000, 1000),
    'How long an access token is valid; a bare number is in s.',
    { default: `${defaults.auth.jwtExpirySeconds}s` },
  ),
  mail: section(mail, 'Where mails go out. Left out: nowhere; in development they can be read at /auth/v1/inbox.'),
  settings: field(settings(), 'Any other setting of Auth, by its own names; over what is said here.', {
    examples: [{ mfa: { maxEnrolledFactors: 5 } }],
  }),
});

const rest = group({
  schemas: field(
    textList().min(1, { error: 'must name at least one schema' }),
    'Schemas that can be asked; the first is the default.',
    {
      default: [...defaults.rest.schemas],
    },
  ),
  extraSearchPath: field(textList(), 'Schemas that functions find things in as well.', {
    default: [...defaults.rest.extraSearchPath],
  }),
  maxRows: field(integer(1, 1_000_000_000), 'Rows that one answer has at most.', { default: defaults.rest.maxRows }),
  readReplica: field(flag(), 'Reads may run on a replica, and may then not see what was written a moment ago.', {
    default: defaults.rest.readReplica,
  }),
  settings: field(settings(), 'Any other setting of REST, by its own names.', {
    examples: [{ aggregatesEnabled: true }],
  }),
});

/** The section `api`: Supabase's API in front of the database. */
export const apiSection = section(
  group({
    enabled: field(flag(), "Run Supabase's API: the gateway, Auth and REST. Needs `supabase.enabled`.", {
      default: defaults.enabled,
    }),
    profile: field(
      choice(['development', 'production']),
      "development: the defaults of the Supabase CLI's local set-up. production: strict ones.",
      { default: defaults.profile },
    ),
    siteUrl: field(address, "The application's own URL, where links in mails lead.", { default: defaults.siteUrl }),
    externalUrl: field(
      address,
      'How clients reach the API. Left out: its address and port; in Kubernetes the host of kubernetes.ingress.api, or else its service.',
      {
        examples: ['https://api.example.com'],
      },
    ),
    redirectUrls: field(textList(), 'Further places that sign-ins may return to; `*` and `**` stand for anything.', {
      default: [],
    }),
    workers: field(
      integer(1, 64),
      'Processes that share the port. Left out: 1; with the profile production one a core, 8 at most, and in Kubernetes 1 a pod.',
      { examples: [4] },
    ),
    connections: field(integer(2, 1000), 'Connections to the database, for each of Auth and REST in each worker.', {
      default: defaults.connections,
    }),
    rideTimeout: field(
      duration('ms', 100, 120_000),
      'How long a request waits for a primary before it gets an error; a bare number is in ms.',
      { default: '30s' },
    ),
    rateLimit: field(integer(1, 1_000_000), 'Requests a second from one address. Left out: any number.', {
      examples: [100],
    }),
    allowedOrigins: field(textList(), 'Origins that pages may call the API from. Empty: all.', {
      default: [],
    }),
    trustForwarded: field(
      flag(),
      'Believe the X-Forwarded-* headers of clients: only where a balancer of yours is the only client.',
      { default: defaults.trustForwarded },
    ),
    accessLog: field(
      choice(['all', 'errors', 'off']),
      'Which requests are logged; errors: those that failed on our side.',
      {
        default: defaults.accessLog,
      },
    ),
    auth: section(auth, 'Auth.'),
    rest: section(rest, 'REST.'),
  }),
  "Supabase's API.",
);
