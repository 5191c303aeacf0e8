/** A message by which a wallet's owner signs in: EIP-4361, and the same for Solana. */
export interface SignInMessage {
  /** host, with port where there is one. */
  readonly domain: string;
  readonly address: string;
  readonly statement: string;
  readonly uri: string;
  readonly version: string;
  /** '' where it is missing. */
  readonly chainId: string;
  readonly nonce: string;
  readonly issuedAt: Date;
  readonly expirationTime: Date | undefined;
  readonly notBefore: Date | undefined;
}

export type Chain = 'solana' | 'ethereum';

export type ParsedMessage =
  | { readonly valid: true; readonly message: SignInMessage }
  | { readonly valid: false; readonly fault: string };

const names: Readonly<Record<Chain, string>> = { solana: 'Solana', ethereum: 'Ethereum' };

const addresses: Readonly<Record<Chain, RegExp>> = {
  solana: /^[1-9A-HJ-NP-Za-km-z]{32,44}$/,
  ethereum: /^0x[0-9a-fA-F]{40}$/,
};

const knownFields = new Set([
  'URI',
  'Version',
  'Chain ID',
  'Nonce',
  'Issued At',
  'Expiration Time',
  'Not Before',
  'Request ID',
]);

/** Reads a message; each field counts once, and an unknown one makes it void, since what was signed must be what is understood. */
export function parseSignInMessage(text: string, chain: Chain): ParsedMessage {
  const fault = (what: string): ParsedMessage => ({ valid: false, fault: what });
  const [first = '', address = '', ...rest] = text.split('\n');
  const suffix = ` wants you to sign in with your ${names[chain]} account:`;
  if (!first.endsWith(suffix)) return fault(`message first line does not end in "${suffix.trim()}"`);
  const domain = first.slice(0, -suffix.length);
  if (!/^[a-z0-9]([a-z0-9.-]*[a-z0-9])?(:\d{1,5})?$/i.test(domain)) {
    return fault('domain in first line of message is not valid');
  }
  if (!addresses[chain].test(address)) return fault('wallet address is not in the expected format');
  const body = splitBody(rest);
  if (body === undefined) return fault('message does not have the expected empty lines');
  const fields = readFields(body.fields);
  if (typeof fields === 'string') return fault(fields);
  const field = (name: string) => fields.get(name) ?? '';
  if (field('Version') !== '1') return fault(`Version value is not supported, expected 1 got "${field('Version')}"`);
  if (!URL.canParse(field('URI'))) return fault('URI is not valid');
  if (chain === 'ethereum' && !/^[1-9]\d*$/.test(field('Chain ID'))) return fault('Chain ID is not valid');
  if (chain === 'ethereum' && !/^[A-Za-z0-9]{8,}$/.test(field('Nonce'))) return fault('Nonce is not valid');
  const times = {
    issuedAt: time(field('Issued At')),
    expiry: time(field('Expiration Time')),
    start: time(field('Not Before')),
  };
  if (!(times.issuedAt instanceof Date)) return fault('Issued At is not a valid ISO8601 timestamp');
  if (times.expiry === 'bad') return fault('Expiration Time is not a valid ISO8601 timestamp');
  if (times.start === 'bad') return fault('Not Before is not a valid ISO8601 timestamp');
  return {
    valid: true,
    message: {
      domain,
      address,
      statement: body.statement,
      uri: field('URI'),
      version: '1',
      chainId: field('Chain ID'),
      nonce: field('Nonce'),
      issuedAt: times.issuedAt,
      expirationTime: times.expiry,
      notBefore: times.start,
    },
  };
}

/** An empty line, the statement and another empty line, or no statement; then the fields. */
function splitBody(
  lines: readonly string[],
): { readonly statement: string; readonly fields: readonly string[] } | undefined {
  const [empty, second, third] = lines;
  if (empty !== '' || second === undefined) return undefined;
  if (second === '') return { statement: '', fields: lines.slice(2) };
  if (/^URI: /.test(second)) return { statement: '', fields: lines.slice(1) };
  return third === '' ? { statement: second, fields: lines.slice(3) } : undefined;
}

/** What is wrong, as text, or the fields. */
function readFields(lines: readonly string[]): ReadonlyMap<string, string> | string {
  const fields = new Map<string, string>();
  for (const [index, line] of lines.entries()) {
    if (line === 'Resources:') {
      const bad = lines.slice(index + 1).find((each) => each !== '' && !/^- \S+$/.test(each));
      return bad === undefined ? fields : 'Resources are not a list of URIs';
    }
    if (line === '' && index === lines.length - 1) break;
    const [, name = '', value = ''] = /^([A-Za-z ]+): (.*)$/.exec(line) ?? [];
    if (!knownFields.has(name)) return `unknown line in message: "${line.slice(0, 50)}"`;
    if (fields.has(name)) return `${name} occurs twice`;
    fields.set(name, value);
  }
  return fields;
}

function time(text: string): Date | undefined | 'bad' {
  if (text === '') return undefined;
  const date = new Date(text);
  return /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)$/.test(text) && !Number.isNaN(date.getTime())
    ? date
    : 'bad';
}
