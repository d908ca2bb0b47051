import { OpusError } from '#shared/domain/errors.ts';
import type { MethodParams } from '#shared/protocol/methods.ts';
import type { VaultWrite } from '#shared/protocol/wire.ts';
import type { AppliedWrite, RemoteWriting, VaultClient, VaultWriters } from '../core/ports/vault-writers.ts';

/**
 * Hands each write to one client at a time. Only a client whose device has brought the vault as the runner knows it is asked:
 * another would compare the runner's expectations with notes that are not what they were written for.
 */
export interface VaultDesk extends VaultWriters, RemoteWriting {
  /** Takes an acknowledgement; false when the device was never told of it, or it was settled without it. */
  applied(device: string, params: MethodParams<'vault.applied'>): Promise<boolean>;
  /** Says whether the device has what the runner takes for the vault. */
  setInStep(device: string, isInStep: boolean): void;
  isInStep(device: string): boolean;
  /** Something was written through this device, or brought by it: what others have is older until they bring theirs. */
  onlyInStep(device: string): void;
  isThere(device: string): boolean;
  /** Told when somebody is there who can write. */
  onReady(listener: () => void): void;
}

export interface VaultDeskOptions {
  /** Takes the note's new text before anybody hears of the outcome. */
  readonly take: (device: string, write: VaultWrite['write'], applied: AppliedWrite) => Promise<void>;
  /** Who is asked first. */
  readonly voice: () => string | null;
}

interface Order {
  readonly write: VaultWrite;
  readonly devices: Set<string>;
  readonly tried: Set<VaultClient>;
  lease: { readonly client: VaultClient; readonly timer: NodeJS.Timeout } | null;
  readonly done: PromiseWithResolvers<AppliedWrite>;
}

/** How long a client has for one write. */
const leaseMs = 10_000;
const mostLate = 200;

export function createVaultDesk(options: VaultDeskOptions): VaultDesk {
  const clients: VaultClient[] = [];
  const inStep = new Set<string>();
  const orders = new Map<string, Order>();
  /** Given up by whoever waited; an acknowledgement may still come. */
  const leftOpen = new Map<string, Order>();
  const late = new Map<string, AppliedWrite>();
  const listeners: (() => void)[] = [];

  const isThere = (device: string): boolean => clients.some((client) => client.device === device);

  function ready(): void {
    for (const listener of listeners) listener();
  }

  function nextClient(order: Order): VaultClient | null {
    const able = clients.filter((client) => inStep.has(client.device) && !order.tried.has(client));
    return able.findLast(({ device }) => device === options.voice()) ?? able.at(-1) ?? null;
  }

  function tell(order: Order): void {
    if (order.lease) clearTimeout(order.lease.timer);
    order.lease = null;
    const client = nextClient(order);
    if (client === null) {
      giveUp(order);
      return;
    }
    order.tried.add(client);
    if (!client.tell(order.write)) {
      tell(order);
      return;
    }
    order.devices.add(client.device);
    const timer = setTimeout(() => {
      tell(order);
    }, leaseMs);
    timer.unref();
    order.lease = { client, timer };
  }

  function giveUp(order: Order): void {
    orders.delete(order.write.id);
    if (order.devices.size > 0) remember(leftOpen, order.write.id, order);
    order.done.reject(nobody(order.write));
  }

  function remember<Value>(map: Map<string, Value>, id: string, value: Value): void {
    map.set(id, value);
    for (const oldest of map.keys()) {
      if (map.size <= mostLate) break;
      map.delete(oldest);
    }
  }

  return {
    arrived(client) {
      clients.push(client);
      return () => {
        const index = clients.indexOf(client);
        if (index !== -1) clients.splice(index, 1);
        if (!isThere(client.device)) inStep.delete(client.device);
        for (const order of [...orders.values()]) if (order.lease?.client === client) tell(order);
      };
    },
    async write(write) {
      const known = late.get(write.id);
      if (known) {
        late.delete(write.id);
        return known;
      }
      const open = orders.get(write.id);
      if (open) return await open.done.promise;
      const order: Order = {
        write,
        devices: leftOpen.get(write.id)?.devices ?? new Set(),
        tried: new Set(),
        lease: null,
        done: Promise.withResolvers(),
      };
      leftOpen.delete(write.id);
      orders.set(write.id, order);
      tell(order);
      return await order.done.promise;
    },
    async applied(device, { id, outcome, text }) {
      const order = orders.get(id) ?? leftOpen.get(id);
      if (!order?.devices.has(device)) return false;
      if (outcome.kind === 'failed') {
        if (orders.has(id) && order.lease?.client.device === device) tell(order);
        return true;
      }
      if (order.lease) clearTimeout(order.lease.timer);
      const isAwaited = orders.delete(id);
      leftOpen.delete(id);
      const applied: AppliedWrite = { outcome, text };
      try {
        await options.take(device, order.write.write, applied);
      } finally {
        if (isAwaited) order.done.resolve(applied);
        else {
          remember(late, id, applied);
          ready();
        }
      }
      return true;
    },
    setInStep(device, isInStep) {
      const wasInStep = inStep.has(device);
      if (isInStep) inStep.add(device);
      else inStep.delete(device);
      if (isInStep && !wasInStep && isThere(device)) ready();
    },
    isInStep: (device) => inStep.has(device),
    onlyInStep(device) {
      for (const other of inStep) if (other !== device) inStep.delete(other);
    },
    isThere,
    onReady(listener) {
      listeners.push(listener);
    },
  };
}

function nobody({ write }: VaultWrite): OpusError {
  return new OpusError('vault.nobody-writes', `${write.path} is not written yet: no plugin is there to do it.`, {
    hint: 'It is written when Obsidian is open and connected.',
    details: { path: write.path },
  });
}
