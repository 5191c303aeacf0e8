import { BlockList, isIP } from 'node:net';

/** Who chose the URL: the operator in a file, or somebody through the API, who must not reach what is behind this machine's firewall. */
export type Trust = 'operator' | 'stranger';

/** RFC 6890 and its IPv6 counterpart: addresses that mean this machine, this network, or nobody on the internet. */
const inner = new BlockList();
for (const [network, prefix] of [
  ['0.0.0.0', 8],
  ['10.0.0.0', 8],
  ['100.64.0.0', 10],
  ['127.0.0.0', 8],
  ['169.254.0.0', 16],
  ['172.16.0.0', 12],
  ['192.0.0.0', 24],
  ['192.0.2.0', 24],
  ['192.88.99.0', 24],
  ['192.168.0.0', 16],
  ['198.18.0.0', 15],
  ['198.51.100.0', 24],
  ['203.0.113.0', 24],
  ['224.0.0.0', 3],
] as const) {
  inner.addSubnet(network, prefix, 'ipv4');
}
for (const [network, prefix] of [
  ['::', 96],
  ['64:ff9b::', 96],
  ['64:ff9b:1::', 48],
  ['100::', 64],
  ['2001::', 23],
  ['2001:db8::', 32],
  ['2002::', 16],
  ['fc00::', 7],
  ['fe80::', 10],
  ['fec0::', 10],
  ['ff00::', 8],
] as const) {
  inner.addSubnet(network, prefix, 'ipv6');
}

/** Whether an address is one that no server on the internet has. What is no address counts as one. */
export function isInnerAddress(address: string): boolean {
  const family = isIP(address);
  if (family === 0) return true;
  const mapped = /^::ffff:(\d+\.\d+\.\d+\.\d+)$/i.exec(address)?.[1];
  if (mapped !== undefined) return inner.check(mapped, 'ipv4');
  return inner.check(address, family === 4 ? 'ipv4' : 'ipv6');
}

export function isLoopbackHost(host: string): boolean {
  const name = host.toLowerCase().replace(/^\[|\]$/g, '');
  return name === 'localhost' || name === '::1' || name.endsWith('.localhost') || /^127\.\d+\.\d+\.\d+$/.test(name);
}

/**
 * Why no request may go to a URL, in words that may be shown; undefined: it may. Plain HTTP is for this machine alone. The address that a
 * name leads to is judged apart, when it is connected to.
 */
export function judgeUrl(text: string, trust: Trust, allowInner: boolean): string | undefined {
  if (text.length > 2048) return 'URL must not be longer than 2048 characters';
  // As it is written, not as it is understood: spaces and capitals would pass here and fail at the table's checks.
  if (!/^https?:\/\/\S+$/.test(text)) return 'URL must use https';
  let url: URL;
  try {
    url = new URL(text);
  } catch {
    return 'URL is not valid';
  }
  if (url.username !== '' || url.password !== '') return 'URL must not hold a user name or password';
  const host = url.hostname.replace(/^\[|\]$/g, '');
  if (url.protocol !== 'https:' && !(url.protocol === 'http:' && trust === 'operator' && isLoopbackHost(host))) {
    return 'URL must use https';
  }
  if (trust === 'operator' || allowInner) return undefined;
  if (isLoopbackHost(host)) return 'URL must not lead to this machine';
  if (isIP(host) !== 0 && isInnerAddress(host)) return 'URL must not lead to a private address';
  return undefined;
}
