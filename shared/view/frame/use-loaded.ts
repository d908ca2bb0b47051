import { useCallback, useEffect, useRef, useState } from 'preact/hooks';
import { toOpusError, type OpusError } from '../../domain/errors.ts';
import { useRunnerState } from './host-context.ts';

export interface Loaded<Value> {
  /** What was loaded last stays while it is loaded again. */
  readonly value: Value | null;
  readonly error: OpusError | null;
  readonly loading: boolean;
  load(): Promise<void>;
}

/** Asks as soon as there is a connection, and again when it came back after a failure. `ask` names what decides in `key`. */
export function useLoaded<Value>(key: string, ask: () => Promise<Value>): Loaded<Value> {
  const { connection } = useRunnerState();
  const [value, setValue] = useState<Value | null>(null);
  const [error, setError] = useState<OpusError | null>(null);
  const [loading, setLoading] = useState(false);
  const latest = useRef(0);
  const asking = useRef(ask);
  asking.current = ask;
  const load = useCallback(async (): Promise<void> => {
    latest.current += 1;
    const turn = latest.current;
    setLoading(true);
    try {
      const answer = await asking.current();
      if (turn !== latest.current) return;
      setValue(answer);
      setError(null);
    } catch (thrown) {
      if (turn === latest.current) setError(toOpusError(thrown));
    } finally {
      if (turn === latest.current) setLoading(false);
    }
  }, []);
  const connected = connection.kind === 'connected';
  useEffect(() => {
    if (connected) void load();
  }, [connected, key, load]);
  useEffect(
    () => () => {
      latest.current += 1;
    },
    [],
  );
  return { value, error, loading, load };
}
