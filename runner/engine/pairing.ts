import { createHash, randomBytes, randomInt, randomUUID } from 'node:crypto';
import { OpusError } from '#shared/domain/errors.ts';
import type { Role } from '#shared/protocol/roles.ts';
import type { Clock } from '../core/ports/clock.ts';
import type { Devices, PairedDevice } from '../core/ports/devices.ts';

export interface Pairing {
  /** A code that pairs one device within ten minutes. */
  offer(pairing: { readonly role: Role; readonly person: string }): {
    readonly code: string;
    readonly expiresAt: number;
  };
  /** Throws `protocol.unauthorized` for a code that is not, or no longer, good. */
  pair(code: string, name: string): { readonly token: string; readonly device: PairedDevice };
  /** Whose token it is; null when it is nobody's, or was revoked. */
  bearer(token: string): PairedDevice | null;
  /** The one of that id, or all that one person has named so. Throws `protocol.invalid` when there is none, or several have. */
  revoke(device: string): PairedDevice[];
}

const codeLifeMs = 10 * 60_000;
/** Without those that are taken for others: 0 and O, 1, I and L. */
const letters = '23456789ABCDEFGHJKMNPQRSTUVWXYZ';
const codeLength = 10;

export function createPairing(devices: Devices, clock: Clock): Pairing {
  return {
    offer({ role, person }) {
      const code = Array.from({ length: codeLength }, () => letters[randomInt(letters.length)]).join('');
      const expiresAt = clock.now() + codeLifeMs;
      devices.offer({ codeHash: hashOf(code), role, person, expiresAt }, clock.now());
      return { code: `${code.slice(0, codeLength / 2)}-${code.slice(codeLength / 2)}`, expiresAt };
    },
    pair(code, name) {
      const token = randomBytes(32).toString('base64url');
      const asWritten = code.toUpperCase().replaceAll(/[^0-9A-Z]/g, '');
      const device = devices.pair(
        hashOf(asWritten),
        { id: randomUUID(), name: oneLine(name), tokenHash: hashOf(token) },
        clock.now(),
      );
      if (device !== null) return { token, device };
      throw new OpusError('protocol.unauthorized', 'This pairing code is not known, was used, or has expired.', {
        hint: 'Make a new one with `opus pair` on the machine of the runner.',
      });
    },
    bearer: (token) => devices.byToken(hashOf(token)),
    revoke(named) {
      const all = devices.list();
      const byId = all.filter(({ id }) => id === named);
      const found = byId.length > 0 ? byId : all.filter(({ name }) => name === named);
      // Browsers and phones propose the same names to everybody.
      const persons = [...new Set(found.map(({ person }) => person))];
      if (persons.length > 1) {
        throw new OpusError('protocol.invalid', `"${named}" is a device of ${persons.join(' and of ')}.`, {
          hint: 'Name the one by its id, as `opus devices list` shows it.',
        });
      }
      if (found.length === 0) {
        throw new OpusError('protocol.invalid', `There is no device "${named}".`, {
          hint: '`opus devices list` names those that are paired.',
        });
      }
      return found.filter(({ id }) => devices.revoke(id));
    },
  };
}

function hashOf(secret: string): string {
  return createHash('sha256').update(secret).digest('hex');
}

/** It is shown in terminals. */
function oneLine(name: string): string {
  return name.replaceAll(/[\p{C}\p{Z}]+/gu, ' ').trim() || 'a device';
}
