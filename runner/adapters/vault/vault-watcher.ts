import { OpusError } from '#shared/domain/errors.ts';
import { realpathSync, statSync } from 'node:fs';
import type { VaultListener, VaultWatcher } from '../../core/ports/vault-watcher.ts';
import { hasCode } from './atomic-write.ts';
import { createWatchedFolders } from './watched-folders.ts';

export interface VaultWatcherOptions {
  /** The vault's folder. */
  readonly root: string;
  /** Folders that hold notes, relative to the root; asked for at each start. They need not be there yet. */
  readonly folders: () => readonly string[];
  /** A burst is over when nothing has changed for this long. */
  readonly debounceMs: number;
  /** How often to look whether the vault's folder is still the same one, since the system does not always tell. */
  readonly checkMs?: number;
}

/** A sync that goes on and on must not keep everything else from being seen. */
const longestBurstMs = 250;

export function createVaultWatcher(options: VaultWatcherOptions): VaultWatcher {
  let current: Watch | null = null;
  return {
    async start(listener) {
      current?.end();
      current = createWatch(options, listener);
      await current.start();
    },
    stop() {
      current?.end();
      return Promise.resolve();
    },
  };
}

interface Watch {
  start(): Promise<void>;
  end(): void;
}

/** From one start until it is stopped or broken. */
function createWatch(options: VaultWatcherOptions, listener: VaultListener): Watch {
  const { root } = options;
  const releases: (() => void)[] = [];
  let isStarted = false;
  let hasEnded = false;
  let failure: OpusError | null = null;

  function end(): void {
    hasEnded = true;
    for (const release of releases.splice(0)) release();
  }

  function fail(error: unknown): void {
    if (hasEnded) return;
    end();
    const { message, hint } = (failure = asFailure(root, error));
    if (!isStarted) return;
    tell(() => {
      listener.onBroken(hint === null ? message : `${message} ${hint}`);
    });
  }

  /** Everything that must be released is acquired before the first wait. */
  async function open(): Promise<void> {
    const identity = identityOf(root);
    const isStillThere = (): boolean => {
      if (isFolder(root, identity)) return true;
      fail(watchFailed(`The vault ${root} was moved, removed or replaced.`));
      return false;
    };
    const burst = createBurst(options.debounceMs, () => {
      if (!isStillThere()) return;
      tell(() => {
        listener.onChange();
      });
    });
    const folders = createWatchedFolders(realpathSync(root), options.folders().map(plain), {
      changed: burst.extend,
      failed: fail,
    });
    const check = setInterval(isStillThere, options.checkMs ?? 5_000);
    releases.push(burst.cancel, () => {
      folders.close();
      clearInterval(check);
    });
    await folders.open();
  }

  return {
    async start() {
      try {
        await open();
      } catch (error) {
        fail(error);
      }
      if (failure) throw failure;
      isStarted = true;
    },
    end,
  };
}

/** What a listener throws is its own affair: out of a timer or an event it would end the process. */
function tell(call: () => void): void {
  try {
    call();
  } catch {
    // The next change is told all the same.
  }
}

function createBurst(quietMs: number, fire: () => void): { extend: () => void; cancel: () => void } {
  const longestMs = Math.max(longestBurstMs, quietMs);
  let timer: NodeJS.Timeout | null = null;
  let beganAt = 0;
  return {
    extend() {
      const now = performance.now();
      if (timer) clearTimeout(timer);
      else beganAt = now;
      timer = setTimeout(
        () => {
          timer = null;
          fire();
        },
        Math.min(quietMs, beganAt + longestMs - now),
      );
    },
    cancel() {
      if (timer) clearTimeout(timer);
      timer = null;
    },
  };
}

function identityOf(folder: string): string {
  const { dev, ino } = statSync(folder, { bigint: true });
  return `${dev}:${ino}`;
}

function isFolder(folder: string, identity: string): boolean {
  try {
    return identityOf(folder) === identity;
  } catch {
    return false;
  }
}

function plain(folder: string): string {
  return folder.replaceAll('\\', '/').replace(/^(?:\.?\/)+|\/+$/g, '');
}

function watchFailed(message: string, hint?: string, cause?: unknown): OpusError {
  return new OpusError('vault.watch-failed', message, { ...(hint === undefined ? {} : { hint }), cause });
}

function asFailure(root: string, error: unknown): OpusError {
  if (error instanceof OpusError) return error;
  const changes = `Changes in the vault ${root} cannot be told`;
  if (hasCode(error, ['ENOSPC'])) {
    const hint = 'Allow more: `sudo sysctl fs.inotify.max_user_watches=524288`, and in /etc/sysctl.d to keep it.';
    return watchFailed(`${changes}: this system lets nobody watch more folders.`, hint, error);
  }
  if (hasCode(error, ['EMFILE', 'ENFILE'])) {
    const hint =
      'Allow more: `sudo sysctl fs.inotify.max_user_instances=512`, or raise `ulimit -n` where opus is started.';
    return watchFailed(`${changes}: too many programs watch files, or too many files are open.`, hint, error);
  }
  if (hasCode(error, ['ENOENT', 'ENOTDIR'])) {
    return watchFailed(`The vault ${root} cannot be found.`, 'Check `vault.path` in opus.yml.', error);
  }
  const reason = error instanceof Error ? error.message : String(error);
  return watchFailed(`${changes}: ${reason}.`, undefined, error);
}
