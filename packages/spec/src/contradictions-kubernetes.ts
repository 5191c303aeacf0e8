import type { Problem } from './problem.js';
import { formatSize } from './quantity.js';
import type { SpecFile } from './schema.js';
import { specDefaults as defaults } from './spec-defaults.js';

/** etcd keeps its database, a copy of it while it is defragmented, and its log. */
const volumePerQuota = 2;

/** What is wrong between settings of the section `kubernetes` and others that are each right. */
export function checkKubernetes(file: SpecFile): readonly Problem[] {
  return [
    ...checkPlace(file),
    ...checkSplit(file),
    ...checkEtcdVolume(file),
    ...checkSizing(file),
    ...checkIngress(file),
  ];
}

function checkPlace({ runtime, hosts, listen, ports, kubernetes }: SpecFile): readonly Problem[] {
  if (runtime !== 'kubernetes') return [];
  const found: Problem[] = [];
  if (hosts !== undefined && kubernetes?.members !== 'docker') {
    const problem = 'cannot be given with `runtime: kubernetes`, which chooses the nodes';
    found.push({ path: ['hosts'], problem, suggestion: 'Remove it; `kubernetes.spread` says how members are spread.' });
  }
  if (listen !== undefined) {
    const problem = 'cannot be given with `runtime: kubernetes`: pods have addresses of their own';
    found.push({ path: ['listen'], problem, suggestion: 'Remove it; `kubernetes.clients` says who may connect.' });
  }
  if (ports === 'auto') {
    const problem = 'cannot be auto with `runtime: kubernetes`: pods have addresses of their own';
    found.push({ path: ['ports'], problem, suggestion: 'Remove it.' });
  }
  return found;
}

function checkSplit({ hosts, kubernetes, ports }: SpecFile): readonly Problem[] {
  if (kubernetes?.members !== 'docker') return [];
  const found: Problem[] = [];
  if (hosts === undefined) {
    const problem = 'is missing: with `kubernetes.members: docker` members run on Docker hosts';
    found.push({
      path: ['hosts'],
      problem,
      suggestion: 'Write `hosts: [{address: 192.0.2.1}]`, with their addresses.',
    });
  }
  if (kubernetes.nodes === undefined) {
    const problem = 'is missing: with `members: docker` etcd is reached at addresses of nodes';
    found.push({ path: ['kubernetes', 'nodes'], problem, suggestion: '`kubectl get nodes -o wide` shows them.' });
  }
  if (kubernetes.etcdNodePort === 'off') {
    const problem = 'cannot be off with `members: docker`, which reach etcd by it';
    found.push({ path: ['kubernetes', 'etcdNodePort'], problem, suggestion: 'Remove it.' });
  }
  if (ports === 'auto') {
    const problem = 'cannot be auto with `kubernetes.members: docker`: HAProxy must know the ports of other machines';
    found.push({ path: ['ports'], problem, suggestion: 'Remove it.' });
  }
  return found;
}

function checkEtcdVolume({ etcd, kubernetes }: SpecFile): readonly Problem[] {
  const quota = etcd?.quota ?? defaults.etcd.quotaBytes;
  const volume = kubernetes?.storage?.etcd ?? defaults.kubernetes.storage.etcdBytes;
  if (kubernetes === undefined || volume >= volumePerQuota * quota) return [];
  const needed = formatSize(volumePerQuota * quota);
  const problem = `must be at least ${volumePerQuota} × etcd.quota, here ${needed}, and is ${formatSize(volume)}`;
  return [{ path: ['kubernetes', 'storage', 'etcd'], problem, suggestion: `Write \`etcd: ${needed}\` or more.` }];
}

function checkSizing({ runtime, resources, kubernetes }: SpecFile): readonly Problem[] {
  if (runtime !== 'kubernetes' || resources === undefined || kubernetes?.members === 'docker') return [];
  const problem = 'is about this machine, and with `runtime: kubernetes` nothing runs on it';
  const suggestion = 'Write `kubernetes.resources.postgres`, which is about one pod.';
  return [{ path: ['resources'], problem, suggestion }];
}

function checkIngress({ kubernetes }: SpecFile): readonly Problem[] {
  const ingress = kubernetes?.ingress;
  if (ingress === undefined) return [];
  const path = ['kubernetes', 'ingress'];
  if (ingress.api === undefined && ingress.statistics === undefined) {
    const problem = 'names no host: there is nothing to lead to';
    return [{ path, problem, suggestion: 'Give `api` or `statistics` a host name, or remove it.' }];
  }
  if (ingress.tlsSecret === undefined && ingress.issuer === undefined) {
    const problem = 'has no certificate: passwords and keys would cross the network in the clear';
    return [{ path, problem, suggestion: 'Name a Secret (`tlsSecret`), or an `issuer` that makes one.' }];
  }
  if (ingress.api !== undefined && ingress.api === ingress.statistics) {
    const problem = `is ${ingress.api}, as api: one host name cannot lead to both`;
    return [{ path: [...path, 'statistics'], problem, suggestion: 'Give one of them another name.' }];
  }
  return [];
}
