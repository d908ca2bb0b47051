import { userInfo } from 'node:os';

/** Whom the runner runs as. */
export function loginName(): string {
  try {
    return userInfo().username;
  } catch {
    // A user id without an entry in the system's list, as containers have.
    return process.env['USER'] ?? 'unknown';
  }
}
