import { describe, expect, it } from 'vitest';
import { judgeDockerFailure } from '../../src/docker/engine-failure.js';

/** What Docker and Compose of several versions print, and what it means. */
const cases: readonly (readonly [string, string])[] = [
  [
    'Cannot connect to the Docker daemon at unix:///var/run/docker.sock. Is the docker daemon running?',
    'HF_DOCKER_NO_ENGINE',
  ],
  [
    'error during connect: Get "http://docker.example.com/v1.24/containers/json": command [ssh -- host] has exited with exit status 255',
    'HF_DOCKER_NO_ENGINE',
  ],
  [
    "docker.errors.DockerException: Error while fetching server API version: ('Connection aborted.', FileNotFoundError(2, 'No such file or directory'))",
    'HF_DOCKER_NO_ENGINE',
  ],
  [
    'permission denied while trying to connect to the Docker daemon socket at unix:///var/run/docker.sock: Get "http://%2Fvar%2Frun%2Fdocker.sock/v1.24/containers/json": dial unix /var/run/docker.sock: connect: permission denied',
    'HF_DOCKER_DENIED',
  ],
  [
    "docker.errors.DockerException: Error while fetching server API version: ('Connection aborted.', PermissionError(13, 'Permission denied'))",
    'HF_DOCKER_DENIED',
  ],
  [
    'ERROR: for haproxy  Cannot start service haproxy: driver failed programming external connectivity on endpoint main-haproxy (fe): Bind for 127.0.0.1:5000 failed: port is already allocated',
    'HF_DOCKER_PORT_TAKEN',
  ],
  ['Error starting userland proxy: listen tcp4 127.0.0.1:5432: bind: address already in use', 'HF_DOCKER_PORT_TAKEN'],
  [
    'failed to create network main: Error response from daemon: Pool overlaps with other one on this address space',
    'HF_DOCKER_SUBNET',
  ],
  [
    'Error response from daemon: invalid pool request: Pool overlaps with other one on this address space',
    'HF_DOCKER_SUBNET',
  ],
  ['Error: No such image: holdfast/patroni:1', 'HF_DOCKER_IMAGE'],
  [
    "Error response from daemon: pull access denied for holdfast/etcd, repository does not exist or may require 'docker login'",
    'HF_DOCKER_IMAGE',
  ],
  ['manifest for debian:nothing not found: manifest unknown', 'HF_DOCKER_IMAGE'],
  ['Get "https://registry.example.org/v2/": dial tcp: lookup registry.example.org: no such host', 'HF_DOCKER_IMAGE'],
  [
    'ERROR: failed to solve: nowhere:none: failed to resolve source metadata for registry.example.org/library/nowhere:none: not found',
    'HF_DOCKER_IMAGE',
  ],
  ['docker.errors.DockerException: Install paramiko package to enable ssh:// support', 'HF_DOCKER_COMPOSE_SSH'],
  ['failed to build: something else', 'HF_DOCKER_FAILED'],
];

describe('what docker says when it fails', () => {
  it.each(cases)('%s', (output, code) => {
    const error = judgeDockerFailure('docker x', output);
    expect(error.code).toBe(code);
    expect(error.suggestion).not.toBe('');
    expect(error.detail).toBe(output);
  });

  it('names the port and the image', () => {
    const message = (output: string) => judgeDockerFailure('docker x', output).message;
    expect(message('Bind for 127.0.0.1:5000 failed: port is already allocated')).toContain('127.0.0.1:5000');
    expect(message('listen tcp4 127.0.0.1:5432: bind: address already in use')).toContain('127.0.0.1:5432');
    expect(message('Error: No such image: holdfast/patroni:1')).toContain('holdfast/patroni:1');
  });

  it('shows no more than the last lines', () => {
    const output = Array.from({ length: 100 }, (_, index) => `line ${index}`).join('\n');
    expect(judgeDockerFailure('docker x', output).detail?.split('\n')).toHaveLength(8);
  });
});
