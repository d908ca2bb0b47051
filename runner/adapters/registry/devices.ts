import type { Devices, PairedDevice } from '../../core/ports/devices.ts';
import type { Connection } from './connection.ts';
import type { DeviceRow, PairingRow } from './tables.ts';

export function devicesOf(connection: Connection): Devices {
  const one = (column: 'id' | 'token_hash', value: string): PairedDevice | null => {
    const found = connection.get(`SELECT * FROM devices WHERE ${column} = ?`, [value]) as DeviceRow | undefined;
    return found ? deviceFromRow(found) : null;
  };

  return {
    list: () => (connection.all('SELECT * FROM devices ORDER BY paired_at, id') as DeviceRow[]).map(deviceFromRow),
    get: (id) => one('id', id),
    byToken: (tokenHash) => one('token_hash', tokenHash),
    offer({ codeHash, role, person, expiresAt }, now) {
      connection.transaction(() => {
        connection.run('DELETE FROM pairings WHERE expires_at <= ?', [now]);
        connection.run('INSERT INTO pairings (code_hash, role, person, expires_at) VALUES (?, ?, ?, ?)', [
          codeHash,
          role,
          person,
          expiresAt,
        ]);
      });
    },
    pair: (codeHash, { id, name, tokenHash }, now) =>
      connection.transaction(() => {
        const offer = connection.get('SELECT * FROM pairings WHERE code_hash = ? AND expires_at > ?', [
          codeHash,
          now,
        ]) as PairingRow | undefined;
        if (offer === undefined) return null;
        const { role, person } = offer;
        connection.run('DELETE FROM pairings WHERE code_hash = ?', [codeHash]);
        connection.run(
          'INSERT INTO devices (id, name, person, role, token_hash, paired_at) VALUES (?, ?, ?, ?, ?, ?)',
          [id, name, person, role, tokenHash, now],
        );
        return { id, name, person, role, pairedAt: now, lastSeenAt: null };
      }),
    revoke: (id) => connection.run('DELETE FROM devices WHERE id = ?', [id]) > 0,
    seen(id, at) {
      connection.run('UPDATE devices SET last_seen_at = ? WHERE id = ?', [at, id]);
    },
  };
}

function deviceFromRow({ id, name, person, role, paired_at, last_seen_at }: DeviceRow): PairedDevice {
  return { id, name, person, role, pairedAt: paired_at, lastSeenAt: last_seen_at };
}
