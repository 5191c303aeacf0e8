import { type ClusterSpec, type SecretName, secretNames } from '@holdfast/spec';
import { apiUser } from '../accounts.js';
import { apiSecret, secretObjects } from './layout.js';
import { statisticsUserKey } from './monitoring.js';
import { chartSecrets } from './supabase-secrets.js';

/**
 * A script that makes the Secrets which the manifests name, for clusters that are applied with kubectl alone. It holds no value and puts none into
 * a command line: values are made where it runs, in files of a private folder. What exists is left as it is. Pure.
 */
export function renderMakeSecrets(spec: ClusterSpec): string {
  const { namespace, domain } = spec.kubernetes;
  const service = `etcd.${namespace}.svc`;
  const names = [
    'localhost',
    'etcd',
    'etcd-nodeport',
    service,
    `${service}.${domain}`,
    ...spec.etcd.members.map((_, index) => `etcd-${index}.${service}.${domain}`),
  ];
  return `#!/bin/sh
# make-secrets [ADDRESS…] makes the Secrets that the manifests name and that do not exist yet. Needs kubectl and openssl.
# ADDRESS: of a node, by which members outside Kubernetes reach etcd; it goes into etcd's certificate.
set -eu
umask 077
namespace='${namespace}'
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
trap 'exit 130' INT TERM

missing() {
  [ -z "$(kubectl get secret "$1" --namespace "$namespace" --ignore-not-found --output name)" ]
}

# create NAME: the files of that folder become the Secret's keys.
create() {
  kubectl create secret generic "$1" --namespace "$namespace" --from-file "$work/$1"
}

# Letters, digits, hyphen and underscore, beginning with a letter: needs quotes nowhere.
password() {
  while :; do
    value=$(openssl rand -base64 "\${1:-36}" | tr -d '\\n=' | tr '+/' '-_')
    case $value in [A-Za-z]*) break ;; esac
  done
  printf %s "$value"
}

# A key and a certificate that the authority signs, good for servers and clients: FOLDER NAME DAYS SUBJECT-ALTERNATIVE-NAMES
issue() {
  mkdir -p "$1"
  openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256 -out "$1/tls.key"
  openssl req -new -key "$1/tls.key" -subj "/CN=$2" -out "$work/request.pem"
  {
    echo 'basicConstraints = critical, CA:FALSE'
    echo 'keyUsage = critical, digitalSignature'
    echo 'extendedKeyUsage = serverAuth, clientAuth'
    [ -z "$4" ] || echo "subjectAltName = $4"
  } >"$work/extensions"
  openssl x509 -req -in "$work/request.pem" -CA "$work/etcd-ca/tls.crt" -CAkey "$work/etcd-ca/tls.key" -CAcreateserial \\
    -days "$3" -extfile "$work/extensions" -out "$1/tls.crt" 2>"$work/openssl.log" || { cat "$work/openssl.log" >&2; exit 1; }
  cp "$work/etcd-ca/tls.crt" "$1/ca.crt"
}

# The authority, made once and kept in a Secret that no pod has.
authority() {
  mkdir -p "$work/etcd-ca"
  if missing ${secretObjects.etcdAuthority}; then
    openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256 -out "$work/etcd-ca/tls.key"
    openssl req -new -x509 -key "$work/etcd-ca/tls.key" -subj '/CN=etcd of ${spec.name}' -days 7300 -out "$work/etcd-ca/tls.crt"
    create ${secretObjects.etcdAuthority}
  else
    for file in tls.crt tls.key; do
      kubectl get secret ${secretObjects.etcdAuthority} --namespace "$namespace" \\
        --output "go-template={{index .data \\"$file\\" | base64decode}}" >"$work/etcd-ca/$file"
    done
  fi
}

if missing ${secretObjects.cluster}; then
  mkdir "$work/${secretObjects.cluster}"
  for name in ${secretNames.join(' ')}; do
    password >"$work/${secretObjects.cluster}/$name"
  done
  printf %s ${apiUser} >"$work/${secretObjects.cluster}/${statisticsUserKey}"
  create ${secretObjects.cluster}
fi

if missing ${secretObjects.etcdServer} || missing ${secretObjects.etcdClient}; then
  authority
  if missing ${secretObjects.etcdServer}; then
    alternatives='${[...names.map((name) => `DNS:${name}`), ...['127.0.0.1', ...spec.kubernetes.nodes].map((each) => `IP:${each}`)].join(',')}'
    for address in "$@"; do
      case $address in
        *[!0-9.:a-fA-F]*) alternatives=$alternatives,DNS:$address ;;
        *) alternatives=$alternatives,IP:$address ;;
      esac
    done
    issue "$work/${secretObjects.etcdServer}" etcd 3650 "$alternatives"
    create ${secretObjects.etcdServer}
  fi
  if missing ${secretObjects.etcdClient}; then
    issue "$work/${secretObjects.etcdClient}" holdfast 3650 ''
    create ${secretObjects.etcdClient}
  fi
fi
${spec.supabase.enabled ? renderChartSecrets() : ''}${spec.api.enabled ? apiSecretHint : ''}`;
}

/** A shell cannot make keys of that kind. */
const apiSecretHint = `
if missing ${apiSecret}; then
  echo "make-secrets: the API needs its keys, the file keys.json of a state folder:" >&2
  echo "  kubectl create secret generic ${apiSecret} --namespace $namespace --from-file keys.json" >&2
fi
`;

/** The Secrets of the community chart for Supabase; see supabase-values.ts. */
function renderChartSecrets(): string {
  const authenticator: SecretName = 'authenticator';
  return `
# What supabase-helm/values-patroni.yaml names.
base64url() {
  openssl base64 -A | tr '+/' '-_' | tr -d '='
}

# HMAC-SHA-256 (RFC 2104) of standard input in base64url, by a key of 64 bytes in hexadecimal in the file $1. openssl would take the key as
# an argument, which others can read.
pad() {
  rest=$(cat "$2")
  while [ -n "$rest" ]; do
    after=\${rest#??}
    printf "\\\\$(printf %03o $((0x\${rest%"$after"} ^ $1)))"
    rest=$after
  done
}
hmac() {
  { pad 0x36 "$1"; cat; } | openssl dgst -sha256 -binary >"$work/inner"
  { pad 0x5c "$1"; cat "$work/inner"; } | openssl dgst -sha256 -binary | base64url
}

# A key of the API for ten years: token ROLE
token() {
  now=$(date +%s)
  text=$(printf '{"alg":"HS256","typ":"JWT"}' | base64url).$(printf '{"role":"%s","iss":"supabase","iat":%s,"exp":%s}' \\
    "$1" "$now" $((now + 315360000)) | base64url)
  printf %s "$text.$(printf %s "$text" | hmac "$work/jwt-key")"
}

if missing ${chartSecrets.jwt}; then
  mkdir "$work/${chartSecrets.jwt}"
  openssl rand -hex 32 | tr -d '\\n' >"$work/${chartSecrets.jwt}/secret"
  # The secret is these 64 characters, not the bytes that they stand for.
  od -An -v -tx1 "$work/${chartSecrets.jwt}/secret" | tr -d ' \\n' >"$work/jwt-key"
  token anon >"$work/${chartSecrets.jwt}/anonKey"
  token service_role >"$work/${chartSecrets.jwt}/serviceKey"
  create ${chartSecrets.jwt}
fi
if missing ${chartSecrets.db}; then
  mkdir "$work/${chartSecrets.db}"
  for key in password passwordEncoded password_encoded; do
    kubectl get secret ${secretObjects.cluster} --namespace "$namespace" \\
      --output 'go-template={{.data.${authenticator} | base64decode}}' >"$work/${chartSecrets.db}/$key"
  done
  create ${chartSecrets.db}
fi
if missing ${chartSecrets.dashboard}; then
  mkdir "$work/${chartSecrets.dashboard}"
  printf supabase >"$work/${chartSecrets.dashboard}/username"
  password >"$work/${chartSecrets.dashboard}/password"
  : >"$work/${chartSecrets.dashboard}/openAiApiKey"
  create ${chartSecrets.dashboard}
fi
if missing ${chartSecrets.realtime}; then
  mkdir "$work/${chartSecrets.realtime}"
  password 60 >"$work/${chartSecrets.realtime}/secretKeyBase"
  # Exactly 16 characters.
  password 12 >"$work/${chartSecrets.realtime}/dbEncKey"
  create ${chartSecrets.realtime}
fi
if missing ${chartSecrets.meta}; then
  mkdir "$work/${chartSecrets.meta}"
  password >"$work/${chartSecrets.meta}/cryptoKey"
  create ${chartSecrets.meta}
fi
if missing ${chartSecrets.s3}; then
  mkdir "$work/${chartSecrets.s3}"
  for key in keyId accessKey; do password >"$work/${chartSecrets.s3}/$key"; done
  create ${chartSecrets.s3}
fi
if missing ${chartSecrets.analytics}; then
  mkdir "$work/${chartSecrets.analytics}"
  for key in publicAccessToken privateAccessToken; do password >"$work/${chartSecrets.analytics}/$key"; done
  create ${chartSecrets.analytics}
fi
if missing ${chartSecrets.minio}; then
  mkdir "$work/${chartSecrets.minio}"
  printf holdfast >"$work/${chartSecrets.minio}/user"
  password >"$work/${chartSecrets.minio}/password"
  create ${chartSecrets.minio}
fi
# Mail is sent by whom you say: fill these in (kubectl edit secret ${chartSecrets.smtp}).
if missing ${chartSecrets.smtp}; then
  mkdir "$work/${chartSecrets.smtp}"
  : >"$work/${chartSecrets.smtp}/username"
  : >"$work/${chartSecrets.smtp}/password"
  create ${chartSecrets.smtp}
fi
`;
}
