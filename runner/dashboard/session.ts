/** By which this browser speaks to the runner that served the page. */
export interface Session {
  readonly token: string;
  /** Of the device, by which it can be revoked. */
  readonly id: string;
}

export const sessionKey = 'opus-session';

/** Null where there is none, and in a browser that keeps nothing. */
export function loadSession(): Session | null {
  try {
    const value = JSON.parse(localStorage.getItem(sessionKey) ?? 'null') as Partial<
      Record<keyof Session, unknown>
    > | null;
    const { token, id } = value ?? {};
    return typeof token === 'string' && typeof id === 'string' ? { token, id } : null;
  } catch {
    return null;
  }
}

/** False where the browser keeps nothing, as some do in private windows. */
export function saveSession(session: Session | null): boolean {
  try {
    if (session) localStorage.setItem(sessionKey, JSON.stringify(session));
    else localStorage.removeItem(sessionKey);
    return true;
  } catch {
    return false;
  }
}
