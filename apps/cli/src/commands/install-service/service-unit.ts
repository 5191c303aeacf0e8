export interface ServiceUnitInput {
  readonly cluster: string;
  /** Absolute paths. */
  readonly node: string;
  readonly cli: string;
  readonly specFile: string | undefined;
  readonly workingDirectory: string;
}

/**
 * Pure: a systemd unit (systemd.service(5)). The supervisor is the service's main process; with KillMode=process its crash or
 * restart leaves the database running, and ExecStop stops everything in order. `holdfast down` ends it with success, so systemd leaves it be;
 * killed, or replaced by `holdfast up` of a newer build, it fails and is started again.
 */
export function renderServiceUnit(input: ServiceUnitInput): string {
  const file = input.specFile === undefined ? [] : ['-f', input.specFile];
  const command = (...words: readonly string[]) => [input.node, input.cli, ...words, ...file].map(quote).join(' ');
  return `[Unit]
Description=Holdfast cluster ${input.cluster}
After=network-online.target time-sync.target
Wants=network-online.target

[Service]
Type=simple
WorkingDirectory=${escapePercent(input.workingDirectory)}
ExecStart=${command('supervise')}
ExecStop=${command('down')}
Restart=on-failure
RestartSec=1
KillMode=process
TimeoutStopSec=180
LimitNOFILE=65536

[Install]
WantedBy=multi-user.target
`;
}

function quote(word: string): string {
  const escaped = escapePercent(word).replace(/\$/g, '$$$$');
  return /^[A-Za-z0-9_@/.:=+%-]+$/.test(escaped) ? escaped : `"${escaped.replace(/\\/g, '\\\\').replace(/"/g, '\\"')}"`;
}

function escapePercent(text: string): string {
  return text.replace(/%/g, '%%');
}
