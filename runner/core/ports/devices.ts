import type { Role } from '#shared/protocol/roles.ts';

export interface PairedDevice {
  readonly id: string;
  readonly name: string;
  readonly person: string;
  readonly role: Role;
  readonly pairedAt: number;
  readonly lastSeenAt: number | null;
}

/** What a code is good for, once, until it expires. */
export interface PairingOffer {
  readonly codeHash: string;
  readonly role: Role;
  readonly person: string;
  readonly expiresAt: number;
}

/** The devices that may connect. Neither tokens nor codes are kept, only what tells them again. */
export interface Devices {
  /** In the order in which they were paired. */
  list(): PairedDevice[];
  get(id: string): PairedDevice | null;
  byToken(tokenHash: string): PairedDevice | null;
  /** Offers that have expired by `now` are forgotten. */
  offer(pairing: PairingOffer, now: number): void;
  /** The offer is used up, in the same transaction. Null when there is none, or it has expired. */
  pair(
    codeHash: string,
    device: { readonly id: string; readonly name: string; readonly tokenHash: string },
    now: number,
  ): PairedDevice | null;
  /** False when there is no such device. */
  revoke(id: string): boolean;
  seen(id: string, at: number): void;
}
