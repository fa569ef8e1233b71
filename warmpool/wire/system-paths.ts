/**
 * What every program needs of the system, whatever it is: programs and libraries, and what they look up. Of /etc only
 * what is nobody's secret. A worker can make the rules for these before it knows its function.
 */
const IN_ETC = [
  ...['alternatives', 'bash.bashrc', 'ca-certificates', 'ca-certificates.conf', 'crypto-policies', 'debian_version'],
  ...['fonts', 'gai.conf', 'group', 'host.conf', 'hostname', 'hosts', 'inputrc', 'ld.so.cache', 'ld.so.conf'],
  ...['ld.so.conf.d', 'ld.so.preload', 'locale.alias', 'localtime', 'magic', 'mime.types', 'nsswitch.conf'],
  ...['os-release', 'passwd', 'pki', 'profile', 'protocols', 'resolv.conf', 'services', 'ssl', 'static'],
  ...['terminfo', 'timezone'],
]

export const SYSTEM_PATHS: readonly string[] = [
  ...['/usr', '/bin', '/sbin', '/lib', '/lib32', '/lib64', '/libx32', '/nix/store', '/run/current-system'],
  ...IN_ETC.map((name) => `/etc/${name}`),
  // Replaced whole when the network changes, so the folder and not the file.
  ...['/run/systemd/resolve', '/run/resolvconf', '/run/NetworkManager/resolv.conf'],
  // What is of other processes in it is theirs alone: the kernel asks whether they may be traced.
  '/proc',
  ...['/sys/devices/system', '/sys/fs/cgroup', '/sys/kernel/mm/transparent_hugepage'],
]

export const DEVICES: readonly string[] = ['/dev/null', '/dev/zero', '/dev/full', '/dev/random', '/dev/urandom']
