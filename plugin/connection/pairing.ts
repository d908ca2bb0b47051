import { Notice, type App } from 'obsidian';
import { toOpusError } from '../../shared/domain/errors.ts';
import { parsePairingLink, runnerAddresses } from '../../shared/protocol/client/addresses.ts';
import { choose, confirm, openForm } from '../views/modals.ts';
import { pairDevice } from './pair-device.ts';
import type { PairingStore } from './pairing-store.ts';
import type { RunnerConnection } from './runner-connection.ts';

export interface PairingActions {
  /** From a link that was opened: nothing happens before the person has seen the address and agreed. */
  pairByLink(params: Readonly<Record<string, string | undefined>>): Promise<void>;
  pairByForm(): Promise<void>;
  changeAddress(): Promise<void>;
  unpair(): Promise<void>;
  /** How it went, as a sentence. */
  test(): Promise<string>;
}

export interface PairingOptions {
  readonly app: App;
  readonly store: PairingStore;
  readonly connection: RunnerConnection;
  readonly onChange: () => void;
}

export function createPairingActions({ app, store, connection, onChange }: PairingOptions): PairingActions {
  const pair = async (address: string, code: string): Promise<void> => {
    const { token, person, role, runner } = await pairDevice(address, code, store.deviceName());
    const pairing = { address, token };
    if (!store.save(pairing, 'secret')) {
      const place = await choose(app, {
        title: 'Where to keep the token',
        text:
          'The secret storage keeps nothing on this device; on Linux it needs a keyring, such as GNOME Keyring or KWallet.\n' +
          'The token lets whoever has it act on the runner as this device. It can be kept unencrypted in the app’s own storage on this device, which is not synced, or only until the app is closed.',
        actions: [
          { action: 'Keep unencrypted', destructive: true, value: 'device' as const },
          { action: 'This session only', destructive: false, value: 'session' as const },
        ],
      });
      // The code is spent, so that the token must not be lost by closing the question.
      store.save(pairing, place ?? 'session');
    }
    connection.use(pairing);
    onChange();
    new Notice(`Paired with ${runner} as ${person} (${role}).`);
  };
  const attempt = async (action: () => Promise<void>): Promise<void> => {
    try {
      await action();
    } catch (thrown) {
      new Notice(sentenceOf(thrown), 12_000);
    }
  };
  return {
    async pairByLink(params) {
      await attempt(async () => {
        const { address, code } = parsePairingLink(params);
        const agreed = await confirm(app, {
          title: 'Pair with this runner?',
          text: [`This vault on this device will be connected to ${address}.`, warningFor(address), replaced(store)]
            .filter(Boolean)
            .join('\n'),
          action: 'Pair',
          destructive: false,
        });
        if (agreed) await pair(address, code);
      });
    },
    async pairByForm() {
      const values = await openForm(app, {
        title: 'Pair this device',
        text: [
          'Run opus pair on the runner’s machine. Paste the link it prints, or its address and the code.',
          replaced(store),
        ].join('\n'),
        action: 'Pair',
        destructive: false,
        fields: [
          { key: 'link', label: 'Link or address', value: '', long: false, required: true, placeholder: 'https://…' },
          { key: 'code', label: 'Code (not with a link)', value: '', long: false, required: false },
          { key: 'device', label: 'Name of this device', value: store.deviceName(), long: false, required: true },
        ],
        problem: (entered) => complaint(() => targetOf(entered)),
      });
      if (!values) return;
      const { address, code } = targetOf(values);
      store.setDeviceName(values['device'] ?? '');
      await attempt(() => pair(address, code));
    },
    async changeAddress() {
      const pairing = store.load();
      const place = store.place();
      if (!pairing || !place) return;
      const values = await openForm(app, {
        title: 'Change the address',
        text: 'The same runner by another address. The token of this device is sent there.',
        action: 'Change',
        destructive: false,
        fields: [{ key: 'address', label: 'Address', value: pairing.address, long: false, required: true }],
        problem: (entered) => complaint(() => runnerAddresses(entered['address'] ?? '')),
      });
      const address = values ? runnerAddresses(values['address'] ?? '').base : pairing.address;
      if (address === pairing.address) return;
      const changed = { ...pairing, address };
      store.save(changed, place);
      connection.use(changed);
      onChange();
    },
    async unpair() {
      const agreed = await confirm(app, {
        title: 'Unpair this device?',
        text: 'Its token is deleted here, and the runner forgets this device if it can be reached now.',
        action: 'Unpair',
        destructive: true,
      });
      if (!agreed) return;
      const isForgotten = await connection.call('device.unpair', {}).then(
        () => true,
        () => false,
      );
      store.forget();
      connection.use(null);
      onChange();
      if (isForgotten) return;
      new Notice('The runner could not be told. Run opus devices revoke on its machine to make the token useless.');
    },
    async test() {
      const pairing = store.load();
      if (!pairing) return 'This device is not paired with a runner.';
      const state = connection.state().connection;
      if (state.kind === 'refused') return state.sentence;
      const begun = Date.now();
      try {
        connection.wake();
        const { version, ready, problems } = await connection.call('runner.status', {});
        const took = Date.now() - begun;
        const state = ready ? 'It would start jobs now' : (problems[0]?.message ?? 'It does not start jobs now');
        const { role } = connection.state().hello ?? {};
        const as = role === undefined ? '' : ` This device is ${role}.`;
        return `Runner ${version} at ${pairing.address} answered in ${took} ms. ${state.replace(/\.?$/, '.')}${as}`;
      } catch (thrown) {
        return sentenceOf(thrown);
      }
    },
  };
}

export function sentenceOf(thrown: unknown): string {
  const { message, hint } = toOpusError(thrown);
  return hint === null ? message : `${message} ${hint}`;
}

function targetOf(values: Readonly<Record<string, string>>): { readonly address: string; readonly code: string } {
  const entered = (values['link'] ?? '').trim();
  if (/^obsidian:/i.test(entered)) return parsePairingLink(Object.fromEntries(new URL(entered).searchParams));
  return parsePairingLink({ url: entered, code: (values['code'] ?? '').trim() });
}

function complaint(check: () => unknown): string | null {
  try {
    check();
    return null;
  } catch (thrown) {
    return sentenceOf(thrown);
  }
}

function replaced(store: PairingStore): string {
  const before = store.load();
  return before ? `It replaces the pairing with ${before.address}.` : '';
}

function warningFor(address: string): string {
  const { protocol, hostname } = new URL(address);
  const isHere = ['localhost', '127.0.0.1', '[::1]'].includes(hostname);
  return protocol === 'https:' || isHere
    ? ''
    : 'The connection is not encrypted. Go on only where the network itself is private, such as a VPN.';
}
