import { expect, it } from 'vitest';
import { judgeKubectlFailure } from '../../src/kubernetes/kubectl-failure.js';

it.each([
  ['The connection to the server localhost:8080 was refused - did you specify the right host or port?', 'UNREACHABLE'],
  ['Unable to connect to the server: dial tcp 10.0.0.1:6443: i/o timeout', 'UNREACHABLE'],
  ['error: no configuration has been provided, try setting KUBERNETES_MASTER environment variable', 'UNREACHABLE'],
  ['error: context "there" does not exist', 'UNREACHABLE'],
  [
    'Error from server (Forbidden): namespaces "x" is forbidden: User "u" cannot get resource "namespaces" in API group ""',
    'DENIED',
  ],
  ['error: You must be logged in to the server (Unauthorized)', 'DENIED'],
  ['Error from server (NotFound): pods "postgres-7" not found', 'FAILED'],
  ['Error from server: failed to create typed patch object: .spec.replicaz: field not declared in schema', 'FAILED'],
])('%s', (output, code) => {
  const error = judgeKubectlFailure('kubectl get', output);
  expect(error.code).toBe(`HF_KUBERNETES_${code}`);
  expect(error.detail).toContain(output.slice(0, 40));
});

it("leaves kubectl's own log out where it says the same in words", () => {
  const log = 'E1127 08:51:47.448040    8039 memcache.go:265] "Unhandled Error" err="connection refused"\n';
  const words = 'The connection to the server localhost:8080 was refused - did you specify the right host or port?';
  expect(judgeKubectlFailure('kubectl get', log + log + words).detail).toBe(words);
  expect(judgeKubectlFailure('kubectl get', log).detail).toContain('memcache.go');
});
