import { BlockList, isIPv6 } from 'node:net';
import { networkInterfaces } from 'node:os';

/** Why nothing may be sent to an address; undefined: it may. */
export type Refuses = (address: string, port: number) => string | undefined;

/**
 * What the database's users must not reach through the worker: the cluster's own ports, on this machine and at `addresses` (etcd, Patroni and the
 * agents answer whoever reaches them), and link-local addresses, where clouds hand out a machine's credentials. Everything else on this machine may
 * be asked, as with pg_net.
 */
export function refuseAddresses(
  { addresses, ports }: { readonly addresses: readonly string[]; readonly ports: readonly number[] },
  ownAddresses: () => readonly string[] = interfaceAddresses,
): Refuses {
  const linkLocal = new BlockList();
  linkLocal.addSubnet('169.254.0.0', 16, 'ipv4');
  linkLocal.addSubnet('fe80::', 10, 'ipv6');
  // The same service of Amazon's over IPv6.
  linkLocal.addAddress('fd00:ec2::254', 'ipv6');
  const refusedPorts = new Set(ports);
  return (address, port) => {
    const family = isIPv6(address) ? 'ipv6' : 'ipv4';
    if (linkLocal.check(address, family)) return `${address} is a link-local address`;
    if (!refusedPorts.has(port)) return undefined;
    const ofCluster = machineAddresses([...addresses, ...ownAddresses()]);
    return ofCluster.check(address, family) ? `port ${port} at ${address} is the cluster's own` : undefined;
  };
}

function machineAddresses(addresses: readonly string[]): BlockList {
  const list = new BlockList();
  // What reaches this machine whatever its addresses are; an IPv4 address within an IPv6 one is checked as the former.
  list.addSubnet('127.0.0.0', 8, 'ipv4');
  list.addSubnet('0.0.0.0', 8, 'ipv4');
  list.addSubnet('::', 96, 'ipv6');
  for (const address of addresses) {
    const family = isIPv6(address) ? 'ipv6' : 'ipv4';
    try {
      list.addAddress(address, family);
    } catch {
      // A name; the addresses that are looked up are compared with addresses.
    }
  }
  return list;
}

function interfaceAddresses(): readonly string[] {
  return Object.values(networkInterfaces()).flatMap((all) => (all ?? []).map(({ address }) => address));
}
