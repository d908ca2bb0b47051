/** Runs what is named alike one after the other, in the order asked for. */
export function createTurns(): <T>(name: string, action: () => Promise<T>) => Promise<T> {
  const last = new Map<string, Promise<unknown>>();
  return async (name, action) => {
    const before = last.get(name) ?? Promise.resolve();
    const mine = before.then(action, action);
    const settled = mine.catch(() => undefined);
    last.set(name, settled);
    try {
      return await mine;
    } finally {
      if (last.get(name) === settled) last.delete(name);
    }
  };
}
