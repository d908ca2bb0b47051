import type { App } from 'obsidian';

/** By which this device speaks to a runner. The token goes to this address and to no other. */
export interface Pairing {
  readonly address: string;
  readonly token: string;
}

/** `device` is the storage of the app on this device, readable by whoever can read the app's own files; never synced. */
export type TokenPlace = 'secret' | 'device' | 'session';

export interface PairingStore {
  /** Null before there is one, and where its token cannot be read any more. */
  load(): Pairing | null;
  place(): TokenPlace | null;
  /** False where this place keeps nothing, as the secret storage without a keyring. */
  save(pairing: Pairing, place: TokenPlace): boolean;
  forget(): void;
  deviceName(): string;
  setDeviceName(name: string): void;
}

const nameKey = 'opus-orchestrator-device-name';
const pairingKey = 'opus-orchestrator-pairing';
const secretKey = 'opus-orchestrator-secret';

export function createPairingStore(
  app: Pick<App, 'secretStorage' | 'loadLocalStorage' | 'saveLocalStorage'>,
  usualName: string,
): PairingStore {
  let session: Pairing | null = null;

  /** The name of the secret is this vault's own, whether or not vaults share a storage. */
  const secretId = (): string | null => textOf(app.loadLocalStorage(secretKey));
  const inSecret = (): Pairing | null => {
    const id = secretId();
    if (id === null) return null;
    try {
      return pairingFrom(app.secretStorage.getSecret(id));
    } catch {
      return null;
    }
  };
  const inDevice = (): Pairing | null => pairingFrom(textOf(app.loadLocalStorage(pairingKey)));
  const forget = (): void => {
    session = null;
    app.saveLocalStorage(pairingKey, null);
    const id = secretId();
    app.saveLocalStorage(secretKey, null);
    if (id === null) return;
    try {
      // A secret cannot be removed, only emptied.
      app.secretStorage.setSecret(id, '');
    } catch {
      // Where it cannot be written it cannot be read either, and nothing names it any more.
    }
  };
  const saveSecret = (pairing: Pairing): boolean => {
    const id = `opus-orchestrator-${window.crypto.randomUUID().slice(0, 8)}`;
    try {
      app.secretStorage.setSecret(id, JSON.stringify(pairing));
      // Without a keyring some systems take a secret and give nothing back.
      if (pairingFrom(app.secretStorage.getSecret(id))?.token !== pairing.token) return false;
    } catch {
      return false;
    }
    app.saveLocalStorage(secretKey, id);
    return true;
  };
  return {
    load: () => session ?? inSecret() ?? inDevice(),
    place() {
      if (session) return 'session';
      if (inSecret()) return 'secret';
      return inDevice() ? 'device' : null;
    },
    save(pairing, place) {
      forget();
      if (place === 'secret') return saveSecret(pairing);
      if (place === 'device') app.saveLocalStorage(pairingKey, JSON.stringify(pairing));
      else session = pairing;
      return true;
    },
    forget,
    deviceName: () => textOf(app.loadLocalStorage(nameKey)) ?? usualName,
    setDeviceName(name) {
      app.saveLocalStorage(nameKey, name.trim() === '' ? null : name.trim().slice(0, 120));
    },
  };
}

function textOf(value: unknown): string | null {
  return typeof value === 'string' && value !== '' ? value : null;
}

function pairingFrom(text: string | null): Pairing | null {
  if (text === null || text === '') return null;
  try {
    const value = JSON.parse(text) as Partial<Record<keyof Pairing, unknown>> | null;
    const [address, token] = [textOf(value?.address), textOf(value?.token)];
    return address === null || token === null ? null : { address, token };
  } catch {
    return null;
  }
}
