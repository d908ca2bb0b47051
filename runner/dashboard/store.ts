import { useEffect, useState } from 'preact/hooks';

/** A value that components draw and that what is no component changes. */
export interface Store<Value> {
  get(): Value;
  set(value: Value): void;
  onChange(listener: () => void): () => void;
}

export function createStore<Value>(initial: Value): Store<Value> {
  let value = initial;
  const listeners = new Set<() => void>();
  return {
    get: () => value,
    set(next) {
      value = next;
      for (const listener of listeners) listener();
    },
    onChange(listener) {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
  };
}

export function useStore<Value>(store: Store<Value>): Value {
  const [value, setValue] = useState<Value>(() => store.get());
  useEffect(() => {
    const draw = (): void => {
      setValue(() => store.get());
    };
    draw();
    return store.onChange(draw);
  }, [store]);
  return value;
}
