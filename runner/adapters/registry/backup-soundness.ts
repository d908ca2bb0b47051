import { OpusError } from '#shared/domain/errors.ts';
import { connect, type Connection } from './connection.ts';
import { readSchemaVersion, schemaVersion } from './migrations.ts';

export interface Inspection {
  /** 0 before the first migration. */
  readonly schema: number;
  /** What is wrong, as a clause; null when nothing was found. */
  readonly damage: string | null;
}

/**
 * Whether a database can be gone on with. `thoroughly` reads all of it: 20 ms for 50 MB that the system has in memory,
 * half a second from a slow disk. One of a newer schema is not judged.
 */
export function inspectDatabase(
  file: string,
  options: { readonly readOnly: boolean; readonly thoroughly: boolean },
): Inspection {
  let connection: Connection | null = null;
  try {
    connection = connect(file, { readOnly: options.readOnly });
    const schema = readSchemaVersion(connection);
    if (schema > schemaVersion) return { schema, damage: null };
    return { schema, damage: damageIn(connection, schema, options.thoroughly) };
  } catch (thrown) {
    const damage = damageSaidBy(thrown);
    if (damage !== null) return { schema: 0, damage };
    throw thrown;
  } finally {
    connection?.close();
  }
}

function damageSaidBy(thrown: unknown): string | null {
  if (thrown instanceof OpusError && thrown.code === 'registry.corrupt') {
    const { cause } = thrown;
    return cause instanceof Error ? cause.message : thrown.message;
  }
  // Nothing is wrong with the statements, so that what SQLite does not understand is the file.
  const isNotUnderstood = thrown instanceof Error && 'errcode' in thrown && thrown.errcode === 1;
  return isNotUnderstood ? thrown.message : null;
}

function damageIn(connection: Connection, schema: number, thoroughly: boolean): string | null {
  if (thoroughly) {
    const [found] = connection.all('PRAGMA quick_check(1)') as { readonly quick_check: string }[];
    if (found?.quick_check !== 'ok')
      return (found?.quick_check ?? 'it cannot be checked').trim().replaceAll(/\s+/g, ' ');
  }
  const jobs = connection.get(`SELECT 1 FROM sqlite_schema WHERE type = 'table' AND name = 'jobs'`);
  if (schema > 0 && jobs === undefined) return 'it has no jobs table';
  return schema === 0 && jobs !== undefined ? 'it does not say which schema it has' : null;
}
