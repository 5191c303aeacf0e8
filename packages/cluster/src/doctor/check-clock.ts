import { type Finding, info, ok, warning } from './finding.js';

/** `synchronised`: what systemd says of NTP; undefined: it could not be asked. */
export function judgeClock(synchronised: boolean | undefined): Finding {
  if (synchronised === undefined) {
    return info('clock', 'whether the clock is synchronised is not known (there is no timedatectl to ask)');
  }
  if (synchronised) return ok('clock', 'the clock is synchronised');
  return warning(
    'clock',
    'the clock is not synchronised: leases do not depend on it, but logs, timestamps and tokens do',
    'timedatectl set-ntp true (with systemd-timesyncd or chrony installed)',
  );
}
