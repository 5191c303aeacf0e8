import { isIP } from 'node:net';

/** What matters of one pg_hba.conf line (https://www.postgresql.org/docs/15/auth-pg-hba-conf.html). */
export interface HbaLine {
  readonly type: string;
  readonly method: string;
  /** True: matches every IPv4 or every IPv6 address. */
  readonly open: boolean;
}

export type HbaReading =
  | { readonly ok: true; readonly line: HbaLine }
  | { readonly ok: false; readonly problem: string; readonly suggestion: string };

const types = ['local', 'host', 'hostssl', 'hostnossl', 'hostgssenc', 'hostnogssenc'];
/** Methods and the options that PostgreSQL takes with them. */
const methods: Readonly<Record<string, RegExp>> = {
  'scram-sha-256': /^$/,
  cert: /^map=./,
  reject: /^$/,
  peer: /^map=./,
  gss: /^(map=.|include_realm=[01]$|krb_realm=.)/,
};
/** With hostssl any method may look at the client's certificate, too. */
const certificateOptions = /^(clientcert=verify-full|clientname=(CN|DN))$/;
const refusedMethods: Readonly<Record<string, string>> = {
  trust: 'lets anybody in without a password',
  md5: 'stores and sends password hashes that are easily broken',
  password: 'sends passwords in clear text',
  ident: "believes what the client's machine says about its user",
  ldap: 'has clients send their passwords in clear text',
  radius: 'has clients send their passwords in clear text',
  pam: 'has clients send their passwords in clear text',
  bsd: 'has clients send their passwords in clear text',
};
const openMethods = ['scram-sha-256', 'cert', 'reject'];
/** PostgreSQL 13 and 14 skip longer words, which would shift all others. */
const maximumToken = 250;
const example = 'Write for example `host app app 10.0.0.0/8 scram-sha-256`.';

/** Reads one line as PostgreSQL would, and refuses what Holdfast does not allow, with the reason. */
export function readHbaLine(text: string): HbaReading {
  // A line break or a continuation would smuggle a second, unchecked line into the file.
  if ([...text].some((c) => (c < ' ' && c !== '\t') || c === '\x7f') || text.endsWith('\\')) {
    return malformed('has a control character, a line break or a backslash at its end');
  }
  const fields = splitFields(text);
  if (fields === undefined) return malformed('has an open quote');
  if (fields.flat().some((token) => token.text.length > maximumToken)) return malformed('has a word that is too long');
  if (fields.flat().some((token) => !token.quoted && /^@./.test(token.text))) {
    return refused('names a file with @, whose content nobody checked', 'Write the names themselves.');
  }
  const [type, databases, users, ...rest] = fields.map((field) => field.map((token) => token.text));
  if (type === undefined) return malformed('is empty');
  if (type.length !== 1 || !types.includes(type[0] ?? '')) {
    return malformed(`begins with ${JSON.stringify(type.join(','))}, which is not a connection type`);
  }
  if (databases === undefined || users === undefined) return malformed('lacks a database or a user');
  const local = type[0] === 'local';
  const address = local ? { ok: true as const, open: false, length: 0 } : readAddress(fields.slice(3));
  if (!address.ok) return malformed(address.problem);
  const [method, ...options] = rest.slice(address.length);
  if (method === undefined) return malformed('lacks an authentication method');
  const [name = ''] = method;
  const reason = Object.hasOwn(refusedMethods, name) ? refusedMethods[name] : undefined;
  if (reason !== undefined) return refused(`uses the method ${name}, which ${reason}`);
  const allowed = Object.hasOwn(methods, name) ? methods[name] : undefined;
  if (method.length !== 1 || allowed === undefined) {
    return malformed(`has the unknown authentication method ${JSON.stringify(method.join(','))}`);
  }
  if (name === 'peer' && !local) return malformed('uses the method peer, which only local connections have');
  if (name === 'cert' && type[0] !== 'hostssl') return malformed('uses the method cert, which needs hostssl');
  if (name === 'gss' && local) return malformed('uses the method gss, which local connections do not have');
  const known = (option: string) => allowed.test(option) || (type[0] === 'hostssl' && certificateOptions.test(option));
  const unknown = options.flat().find((option) => !known(option));
  if (unknown !== undefined || options.some((option) => option.length !== 1)) {
    return malformed(
      `has after the method what does not belong there: ${JSON.stringify((unknown ?? ',').replace(/=.*/, '=…'))}`,
    );
  }
  if (address.open && !openMethods.includes(name)) {
    return refused(`opens the database to every address with the method ${name}`);
  }
  return { ok: true, line: { type: type[0] ?? '', method: name, open: address.open } };
}

function malformed(what: string): HbaReading {
  return { ok: false, problem: `is not a usable pg_hba.conf line: it ${what}`, suggestion: example };
}

function refused(what: string, suggestion = 'Use scram-sha-256, or cert with hostssl.'): HbaReading {
  return { ok: false, problem: `is refused: it ${what}`, suggestion };
}

type Address =
  | { readonly ok: true; readonly open: boolean; readonly length: number }
  | { readonly ok: false; readonly problem: string };

function readAddress(fields: readonly (readonly Token[])[]): Address {
  const [tokens, next] = fields;
  const [token] = tokens ?? [];
  if (tokens === undefined || token === undefined || tokens.length !== 1) {
    return { ok: false, problem: 'lacks an address, or has more than one' };
  }
  if (!token.quoted && ['all', 'samehost', 'samenet'].includes(token.text)) {
    return { ok: true, open: token.text === 'all', length: 1 };
  }
  const [ip = '', prefix, ...more] = token.text.split('/');
  const family = isIP(ip);
  if (prefix !== undefined) {
    const valid = family !== 0 && more.length === 0 && /^\d{1,3}$/.test(prefix);
    return valid && Number(prefix) <= (family === 4 ? 32 : 128)
      ? { ok: true, open: Number(prefix) === 0, length: 1 }
      : { ok: false, problem: `has the address ${JSON.stringify(token.text)}, which is not ADDRESS/PREFIX` };
  }
  if (family !== 0) {
    const mask = next?.[0]?.text ?? '';
    return isIP(mask) === family
      ? { ok: true, open: /^[0.:]+$/.test(mask), length: 2 }
      : { ok: false, problem: `has the address ${token.text} without a prefix length or mask` };
  }
  return /^\.?[A-Za-z0-9]([A-Za-z0-9.-]*[A-Za-z0-9])?$/.test(token.text)
    ? { ok: true, open: false, length: 1 }
    : { ok: false, problem: `has the address ${JSON.stringify(token.text)}, which is neither an address nor a name` };
}

interface Token {
  readonly text: string;
  /** Begins with a quote: then it is no keyword. */
  readonly quoted: boolean;
}

/**
 * Fields are parted by blanks; a comma joins tokens, blanks after it included, into one field; quotes keep blanks,
 * commas and hashes; a hash outside quotes begins a comment. Undefined: a quote was left open.
 */
function splitFields(text: string): Token[][] | undefined {
  const fields: Token[][] = [];
  let joined = false;
  let at = 0;
  while (at < text.length) {
    while (/[ \t,]/.test(text.charAt(at))) at += 1;
    if (at >= text.length || text.charAt(at) === '#') break;
    let token = '';
    let quoted = false;
    let inQuote = false;
    for (; at < text.length; at += 1) {
      const c = text.charAt(at);
      if (c === '"') {
        if (inQuote && text.charAt(at + 1) === '"') {
          token += c;
          at += 1;
        } else {
          inQuote = !inQuote;
          quoted ||= token === '';
        }
      } else if (!inQuote && /[ \t,#]/.test(c)) {
        break;
      } else {
        token += c;
      }
    }
    if (inQuote) return undefined;
    const field = joined ? fields.at(-1) : undefined;
    if (field === undefined) fields.push([{ text: token, quoted }]);
    else field.push({ text: token, quoted });
    joined = text.charAt(at) === ',';
  }
  return fields;
}
