/** One host of a lab: a network namespace with one address. */
export interface LabHost {
  /** `host1` …; member i and etcd i run on host i. */
  readonly name: string;
  readonly namespace: string;
  readonly address: string;
  /** The end of its wire that is plugged into the bridge, in the lab's own namespace. */
  readonly plug: string;
}

export interface LabNetwork {
  /** The lab's own namespace, with the bridge: supervisor, HAProxy, PgBouncer and clients run here. */
  readonly namespace: string;
  readonly address: string;
  /** Its interface there. */
  readonly bridge: string;
  readonly prefixLength: number;
  readonly hosts: readonly LabHost[];
}

/** Longest id, so that every name stays below the kernel's 15 characters for interfaces. */
export const labIdPattern = /^[a-z0-9]{1,8}$/;

/** Everything lies in namespaces of its own, so that the same addresses serve every lab. */
const network = '10.77.0';
export const hostInterface = 'eth0';

/** Pure: names and addresses of a lab with so many hosts, 1 … 15. */
export function planLabNetwork(id: string, hosts: number): LabNetwork {
  if (!labIdPattern.test(id)) throw new RangeError(`"${id}" is not a lab's id`);
  if (!Number.isInteger(hosts) || hosts < 1 || hosts > 15) throw new RangeError('a lab has 1 to 15 hosts');
  return {
    namespace: `hf${id}`,
    address: `${network}.254`,
    bridge: 'bridge',
    prefixLength: 24,
    hosts: Array.from({ length: hosts }, (_, index) => ({
      name: `host${index + 1}`,
      namespace: `hf${id}-${index + 1}`,
      address: `${network}.${index + 1}`,
      plug: `plug${index + 1}`,
    })),
  };
}

/** Pure: the ip(8) commands that make it. Not one of them touches the machine's own network. */
export function planLabCommands(lab: LabNetwork): readonly (readonly string[])[] {
  const { bridge } = lab;
  const inside = (namespace: string, ...args: readonly string[]) => ['-n', namespace, ...args];
  return [
    ['netns', 'add', lab.namespace],
    inside(lab.namespace, 'link', 'set', 'lo', 'up'),
    inside(lab.namespace, 'link', 'add', bridge, 'type', 'bridge'),
    inside(lab.namespace, 'addr', 'add', `${lab.address}/${lab.prefixLength}`, 'dev', bridge),
    inside(lab.namespace, 'link', 'set', bridge, 'up'),
    ...lab.hosts.flatMap(({ namespace, address, plug }) => [
      ['netns', 'add', namespace],
      inside(namespace, 'link', 'set', 'lo', 'up'),
      inside(lab.namespace, 'link', 'add', plug, 'type', 'veth', 'peer', 'name', hostInterface, 'netns', namespace),
      inside(lab.namespace, 'link', 'set', plug, 'master', bridge, 'up'),
      inside(namespace, 'addr', 'add', `${address}/${lab.prefixLength}`, 'dev', hostInterface),
      inside(namespace, 'link', 'set', hostInterface, 'up'),
    ]),
  ];
}
