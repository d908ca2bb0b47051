import { existsSync, readFileSync } from 'node:fs';
import { OpusError } from '#shared/domain/errors.ts';
import {
  defaultSandboxLimits,
  type SandboxProbe,
  type SandboxRequest,
  type SandboxResult,
} from '../../core/ports/sandbox.ts';

/** Prints one word for each promise that does not hold inside. */
const promises = `
[ "$(sed -n 's/^CapEff:[[:space:]]*//p' /proc/self/status)" = 0000000000000000 ] || echo capabilities
[ "$(sed -n 's/^NoNewPrivs:[[:space:]]*//p' /proc/self/status)" = 1 ] || echo new-privileges
if (: >> /proc/sys/kernel/core_pattern) 2>/dev/null; then echo sysctl; fi
if (: > /opus-probe) 2>/dev/null; then echo root-folder; fi
[ "\${OUTER:-0}" -gt 64 ] && [ -d "/proc/$OUTER" ] && echo processes
[ -n "$(find "$HOME" -mindepth 1 -maxdepth 1 -type f 2>/dev/null)" ] && echo home
[ "$(wc -l < /proc/net/route)" -le 1 ] || echo network
[ "$(prlimit --core --raw --noheadings --output=HARD)" -eq 0 ] || echo limits
echo probed`;

export interface ProbedSandbox {
  run(request: SandboxRequest): Promise<SandboxResult>;
  /** Where bubblewrap lies. */
  program(): string | null;
  /** Known once something ran. */
  caps(): 'cgroup' | 'rlimit';
}

/** Runs the real thing once. */
export async function probeBubblewrap(sandbox: ProbedSandbox): Promise<SandboxProbe> {
  if (process.platform !== 'linux') {
    return {
      kind: 'none',
      reason: 'Sandboxes need Linux.',
      hint: 'Run the service on Linux, in a virtual machine or WSL 2.',
    };
  }
  if (sandbox.program() === null)
    return { kind: 'none', reason: 'bubblewrap is not installed.', hint: 'apt-get install bubblewrap' };
  try {
    const result = await sandbox.run({
      argv: ['/bin/sh', '-c', promises],
      cwd: '/',
      env: { OUTER: String(process.pid) },
      mounts: [],
      hidden: [],
      network: [],
      limits: { ...defaultSandboxLimits },
      timeoutMs: 20_000,
    });
    const words = result.tail.trim().split('\n');
    if (result.ending === 'exited' && words.length === 1 && words[0] === 'probed') {
      const caps = sandbox.caps();
      const how = caps === 'cgroup' ? 'a control group for each run' : 'limits set inside, and watched';
      return { kind: 'isolated', caps, detail: `bubblewrap, with ${how}` };
    }
    return brokenPromise(words, result);
  } catch (error) {
    return blocked(error);
  }
}

function brokenPromise(words: readonly string[], result: SandboxResult): SandboxProbe {
  const broken = words.filter((word) => word !== 'probed').join(', ');
  return {
    kind: 'none',
    reason:
      result.ending === 'exited'
        ? `bubblewrap runs here but does not isolate: ${broken}.`
        : `The probe ended by ${result.ending}.`,
    hint: 'Update bubblewrap (0.8 or newer) and the kernel; do not run the service inside a restricted container.',
  };
}

function blocked(error: unknown): SandboxProbe {
  const tail = error instanceof OpusError ? (error.details['tail'] ?? error.message) : String(error);
  const said = (typeof tail === 'string' ? tail : '').trim();
  return { kind: 'none', ...explainBlocked(said, kernelSettings()) };
}

export interface KernelSettings {
  readonly appArmorRestricts: boolean;
  readonly userNamespacesOff: boolean;
  readonly noUserNamespacesLeft: boolean;
  readonly inContainer: boolean;
  readonly underSystemd: boolean;
}

function kernelSettings(): KernelSettings {
  return {
    appArmorRestricts: sysctl('kernel/apparmor_restrict_unprivileged_userns') === '1',
    userNamespacesOff: sysctl('kernel/unprivileged_userns_clone') === '0',
    noUserNamespacesLeft: sysctl('user/max_user_namespaces') === '0',
    inContainer: existsSync('/.dockerenv') || existsSync('/run/.containerenv'),
    underSystemd: process.env['INVOCATION_ID'] !== undefined,
  };
}

/** What bubblewrap said, together with what the kernel is set to, as a reason and its mend. */
export function explainBlocked(said: string, settings: KernelSettings): { reason: string; hint: string } {
  const quoted = said === '' ? 'it gave no reason' : (said.split('\n').at(-1) ?? said);
  if (/unknown option/i.test(said)) {
    return { reason: `This bubblewrap is too old (${quoted}).`, hint: 'Install bubblewrap 0.8 or newer.' };
  }
  if (settings.noUserNamespacesLeft) {
    return {
      reason: 'User namespaces are switched off (user.max_user_namespaces is 0).',
      hint: 'sysctl -w user.max_user_namespaces=15000',
    };
  }
  if (settings.userNamespacesOff) {
    return {
      reason: 'User namespaces are switched off for normal users.',
      hint: 'sysctl -w kernel.unprivileged_userns_clone=1',
    };
  }
  if (settings.inContainer) {
    return {
      reason: `The container this runs in does not allow sandboxes (${quoted}).`,
      hint: 'Start it with --security-opt seccomp=unconfined --security-opt apparmor=unconfined --security-opt systempaths=unconfined.',
    };
  }
  if (settings.appArmorRestricts) {
    return {
      reason: `AppArmor does not let bubblewrap make user namespaces (${quoted}).`,
      hint: 'Allow it by a profile: apt-get install apparmor-profiles, or sysctl -w kernel.apparmor_restrict_unprivileged_userns=0',
    };
  }
  if (settings.underSystemd) {
    return {
      reason: `bubblewrap does not work under this service (${quoted}).`,
      hint: 'Remove ProtectKernelTunables, RestrictNamespaces, ProtectProc and similar settings from its systemd unit.',
    };
  }
  return {
    reason: `bubblewrap does not work here (${quoted}).`,
    hint: 'Run `bwrap --unshare-all --ro-bind / / true` and mend what it says.',
  };
}

function sysctl(name: string): string | null {
  try {
    return readFileSync(`/proc/sys/${name}`, 'latin1').trim();
  } catch {
    return null;
  }
}
