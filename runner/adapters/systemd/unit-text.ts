import { commandWords, filePattern, pathWord, variableWord } from './unit-quoting.ts';

export const unitName = 'opus-orchestrator.service';

/** A unit of the whole machine, or of one user's own manager. */
export type ServiceScope = 'system' | 'user';

export interface ServiceUnit {
  readonly scope: ServiceScope;
  /** Who a system unit runs as; of no meaning for a user's. */
  readonly user: string;
  readonly node: string;
  /** The script of this installation. */
  readonly bin: string;
  readonly config: string;
  /** With the variables that secrets are read from. */
  readonly environmentFile: string;
  /** What the runner writes to and does not work without: data, vault. */
  readonly writable: readonly string[];
  /** Local ones, which it writes to as well; one that is missing stops its own jobs only. */
  readonly repositories: readonly string[];
  /** PATH of the service. */
  readonly path: string;
  /** Milliseconds that a stopping runner lets running steps go on. */
  readonly grace: number;
  /** It then needs the privileges that it gains, and so do all that start it. */
  readonly bubblewrapIsSetuid: boolean;
}

/** More often than one look at the heartbeat would be missed in a short stall; the runner beats twice in this time. */
const watchdogSeconds = 60;
const secondsToEndAfterGrace = 30;
const sharedTemporary = ['/tmp', '/var/tmp'];

/** What systemd reads. Paths are absolute and without control characters. */
export function unitText(unit: ServiceUnit): string {
  return [unitSection(unit), serviceSection(unit), installSection(unit)]
    .map((section) => section.join('\n'))
    .join('\n');
}

function unitSection(unit: ServiceUnit): string[] {
  return [
    '[Unit]',
    'Description=Opus Orchestrator',
    ...(unit.scope === 'system' ? ['Wants=network-online.target', 'After=network-online.target'] : []),
    ...(unit.scope === 'system' ? unit.writable.map((path) => `RequiresMountsFor=${pathWord(path)}`) : []),
    '# Eight failed starts in ten minutes are no accident: then it stays down until somebody looks.',
    'StartLimitIntervalSec=600',
    'StartLimitBurst=8',
    '',
  ];
}

function serviceSection(unit: ServiceUnit): string[] {
  return [
    '[Service]',
    'Type=notify',
    '# The runner speaks by systemd-notify, a child of it: messages of the main process alone would not do. Agents do not',
    '# reach the socket, since their sandboxes have an empty /run.',
    'NotifyAccess=all',
    `ExecStart=${commandWords(unit.node, [unit.bin, 'serve', '--config', unit.config])}`,
    'ExecReload=/bin/kill -HUP $MAINPID',
    ...(unit.scope === 'system' ? [`User=${unit.user}`] : []),
    `Environment=${variableWord('PATH', unit.path)}`,
    '# Secrets, NAME=value in each line; readable by nobody else. It need not exist.',
    `EnvironmentFile=-${filePattern(unit.environmentFile)}`,
    'UMask=0077',
    '',
    "# The event loop's own heartbeat. A runner that hangs is killed and started again, without a core full of secrets.",
    `WatchdogSec=${watchdogSeconds}`,
    'LimitCORE=0',
    'Restart=on-failure',
    'RestartSec=5',
    '# Configuration errors, which no restart mends.',
    'RestartPreventExitStatus=2',
    '# How it ends after SIGTERM.',
    'SuccessExitStatus=143',
    '# First the runner alone, which ends its jobs; what is left when it is gone, or the time is over, is killed.',
    'KillMode=mixed',
    `TimeoutStopSec=${Math.ceil(unit.grace / 1000) + secondsToEndAfterGrace}`,
    '',
    '# Each sandbox gets a control group of its own with limits, so neither the whole has one, nor does an agent that',
    '# used up its memory take the runner with it.',
    'Delegate=memory pids',
    'TasksMax=infinity',
    'OOMPolicy=continue',
    '',
    ...(unit.bubblewrapIsSetuid ? setuidNote : privileges(unit.scope)),
    ...(unit.scope === 'system' ? fileSystem(unit) : userFileSystem),
  ];
}

const setuidNote = [
  '# bubblewrap is setuid root on this machine. NoNewPrivileges=, and each setting that implies it (LockPersonality=,',
  '# RestrictSUIDSGID=, RestrictRealtime=, RestrictAddressFamilies=, SystemCall…=) and an empty',
  '# CapabilityBoundingSet= would keep it from working.',
  '',
];

function privileges(scope: ServiceScope): string[] {
  return [
    '# All of this holds inside the sandboxes too, and bubblewrap makes its namespaces under it as an ordinary user.',
    '# RestrictNamespaces= and PrivateUsers= would forbid it those.',
    'NoNewPrivileges=yes',
    ...(scope === 'system' ? ['CapabilityBoundingSet='] : []),
    'LockPersonality=yes',
    'RestrictSUIDSGID=yes',
    'RestrictRealtime=yes',
    'RestrictAddressFamilies=AF_UNIX AF_INET AF_INET6 AF_NETLINK',
    'SystemCallArchitectures=native',
    'SystemCallFilter=~@clock @cpu-emulation @module @obsolete @raw-io @reboot @swap',
    'SystemCallErrorNumber=EPERM',
    '',
  ];
}

function fileSystem(unit: ServiceUnit): string[] {
  const used = [unit.node, unit.bin, unit.config, ...unit.writable, ...unit.repositories];
  const usesTemporary = used.some((path) => sharedTemporary.some((folder) => isWithin(path, folder)));
  const writable = [
    ...(usesTemporary ? sharedTemporary : []),
    ...unit.writable,
    ...unit.repositories.map((path) => `-${path}`),
  ];
  return [
    '# Left out on purpose: ProtectKernelTunables=, ProtectKernelLogs=, ProtectProc= and ProcSubset= lay mounts over parts',
    '# of /proc, or put another in its place. The kernel lets an unprivileged user namespace mount a /proc of its own only',
    '# where the one outside is visible in full, so every sandbox would fail with "Can\'t mount proc". And',
    '# ProtectControlGroups= would make the delegated control group read-only.',
    'ProtectSystem=strict',
    'ProtectHome=read-only',
    ...(usesTemporary
      ? ['# Not private: the service uses files in it that others see.', 'PrivateTmp=no']
      : ['PrivateTmp=yes']),
    ...[...new Set(writable)].map((path) => `ReadWritePaths=${pathWord(path)}`),
    '',
  ];
}

const userFileSystem = [
  "# A user's own manager has no right to mount. It would ignore ProtectSystem= and the like, or, in newer versions, put the",
  '# service into a user namespace for them, which the sandboxes could not work under.',
  '',
];

function installSection(unit: ServiceUnit): string[] {
  return ['[Install]', `WantedBy=${unit.scope === 'system' ? 'multi-user.target' : 'default.target'}`, ''];
}

function isWithin(path: string, folder: string): boolean {
  return path === folder || path.startsWith(`${folder}/`);
}
