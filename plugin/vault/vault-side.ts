import { debounce, Notice, type Plugin, type TAbstractFile } from 'obsidian';
import { toOpusError } from '../../shared/domain/errors.ts';
import type { RunnerClient } from '../../shared/protocol/client/runner-client.ts';
import type { RunnerState } from '../../shared/view-model/runner-state.ts';
import { createWriteApplier } from './apply-write.ts';
import { createVaultBundle } from './bundle.ts';

const settleMs = 500;
/** For a bundle that was not taken yet, and for folders that the runner's policy names anew. */
const lookAgainMs = 30_000;

/**
 * For a runner that does not have the vault: brings it the notes, and applies its writes. Does nothing for one that has.
 * Returns how to stop.
 */
export function startVaultSide(plugin: Pick<Plugin, 'app'>, client: RunnerClient): () => void {
  const { app } = plugin;
  const bundle = createVaultBundle(app, client);
  const applyWrite = createWriteApplier(app);
  let turn: Promise<unknown> = Promise.resolve();
  let connectedSince: number | null = null;
  let isWanted = false;
  let isBringing = false;
  let said = '';
  let isStopped = false;

  /** A bundle must not tell of a note as it was before a write that was acknowledged meanwhile. */
  function inTurn<Result>(work: () => Promise<Result>): Promise<Result> {
    const mine = turn.then(work, work);
    turn = mine.catch(() => undefined);
    return mine;
  }

  function bring(): void {
    if (connectedSince === null || isStopped) return;
    isWanted = true;
    if (isBringing) return;
    isBringing = true;
    void bringWhileWanted().finally(() => {
      isBringing = false;
    });
  }

  async function bringWhileWanted(): Promise<void> {
    while (isWanted && connectedSince !== null) {
      isWanted = false;
      try {
        await inTurn(() => bundle.bring());
        said = '';
      } catch (thrown) {
        say(thrown);
      }
    }
  }

  async function lookAgain(): Promise<void> {
    if (connectedSince === null || isStopped || isBringing) return;
    const isCurrent = await bundle.isCurrent().catch(() => false);
    if (!isCurrent) bring();
  }

  function say(thrown: unknown): void {
    const { code, message, hint } = toOpusError(thrown);
    // The connection is shown elsewhere.
    if (code === 'protocol.unreachable' || message === said) return;
    said = message;
    new Notice(`Opus: the notes could not be brought to the runner. ${message}${hint === null ? '' : ` ${hint}`}`, 0);
  }

  const bringSoon = debounce(bring, settleMs, true);
  const changed = (file: TAbstractFile, from?: string): void => {
    if (bundle.concerns(file.path) || (from !== undefined && bundle.concerns(from))) bringSoon();
  };

  function stateChanged({ connection, hello }: RunnerState): void {
    const isHere = connection.kind === 'connected' && hello?.vaultWriter === 'plugin';
    const since = isHere ? connection.since : null;
    if (since === connectedSince) return;
    connectedSince = since;
    // Before that, notes that Obsidian has not looked at yet would count as gone.
    if (since !== null) app.workspace.onLayoutReady(bring);
  }

  const { vault } = app;
  const events = [
    vault.on('create', changed),
    vault.on('modify', changed),
    vault.on('delete', changed),
    vault.on('rename', changed),
  ];
  const timer = window.setInterval(() => void lookAgain(), lookAgainMs);
  client.onVaultWrite((write) =>
    inTurn(async () => {
      if (isStopped || client.state().hello?.vaultWriter !== 'plugin') return;
      const acknowledgement = await applyWrite(write);
      try {
        await client.call('vault.applied', acknowledgement);
      } catch {
        // The runner tells it again, and is answered again.
      }
    }),
  );
  const stopListening = client.onChange(stateChanged);
  stateChanged(client.state());
  return () => {
    isStopped = true;
    connectedSince = null;
    bringSoon.cancel();
    window.clearInterval(timer);
    stopListening();
    for (const event of events) vault.offref(event);
  };
}
