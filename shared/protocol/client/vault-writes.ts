import type { VaultWrite } from '../wire.ts';

/** Hands the runner's writes on one after another; one that is told again while it waits or is at work counts once. */
export interface VaultWrites {
  told(write: VaultWrite): void;
  applyBy(apply: (write: VaultWrite) => Promise<void>): void;
  /** What has not begun is told again, maybe to another client. */
  ended(): void;
}

export function createVaultWrites(onDefect: (thrown: unknown) => void): VaultWrites {
  const waiting = new Map<string, VaultWrite>();
  let atWork: string | null = null;
  let applying: ((write: VaultWrite) => Promise<void>) | null = null;

  function next(): void {
    const [write] = waiting.values();
    if (atWork !== null || applying === null || write === undefined) return;
    waiting.delete(write.id);
    atWork = write.id;
    applying(write)
      .catch(onDefect)
      .finally(() => {
        atWork = null;
        next();
      });
  }

  return {
    told(write) {
      if (write.id === atWork || waiting.has(write.id)) return;
      waiting.set(write.id, write);
      next();
    },
    applyBy(apply) {
      applying = apply;
      next();
    },
    ended() {
      waiting.clear();
    },
  };
}
