import { BlockList, isIP } from 'node:net';

/**
 * pg_hba.conf. The first line that matches decides, so ours come first and cannot be shadowed; the user's follow; whatever
 * is left is rejected. `all` does not include physical replication (PostgreSQL's manual, 21.1), hence the lines of its own.
 */
export function renderHba(addresses: readonly string[], user: readonly string[]): readonly string[] {
  return renderNetworkHba(networksOf(addresses), user);
}

/** The same for networks in pg_hba.conf's own words. */
export function renderNetworkHba(networks: readonly string[], user: readonly string[]): readonly string[] {
  const ours = networks.flatMap((network) => [
    `host replication replicator ${network} scram-sha-256`,
    `host all postgres,rewinder ${network} scram-sha-256`,
    `host all all ${network} scram-sha-256`,
  ]);
  return [...ours, ...user, 'host replication all all reject', 'host all all all reject'];
}

/** The networks of these addresses. On loopback exactly that; else every network that the machine is in. */
function networksOf(addresses: readonly string[]): readonly string[] {
  if (!addresses.every(isLoopback)) return ['samenet'];
  const own = addresses.filter((address) => isIP(address) === 4).map((address) => `${address}/32`);
  return [...new Set([...loopbackNetworks, ...own])];
}

export const loopbackNetworks: readonly string[] = ['127.0.0.1/32', '::1/128'];

const loopback = new BlockList();
loopback.addSubnet('127.0.0.0', 8, 'ipv4');
loopback.addAddress('::1', 'ipv6');

export function isLoopback(address: string): boolean {
  return loopback.check(address, isIP(address) === 6 ? 'ipv6' : 'ipv4');
}
