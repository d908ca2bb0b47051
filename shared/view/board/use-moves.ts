import { useEffect, useMemo, useRef, useState } from 'preact/hooks';
import type { NoteStatus, Priority } from '../../domain/feature-request.ts';
import { sentenceCase } from '../../view-model/formats.ts';
import { useHost, useRunnerState } from '../frame/host-context.ts';
import type { BoardFeatureRequest } from '../../protocol/board.ts';
import type { BoardCard } from '../../view-model/board-model.ts';

export interface Change {
  readonly status?: NoteStatus;
  readonly priority?: Priority;
}

interface Move {
  readonly change: Change;
  /** As the runner told it when the change was asked for. */
  readonly from: { readonly status: NoteStatus | null; readonly priority: Priority };
}

export interface Moves {
  /** As the runner tells of them, but where they were put. */
  readonly featureRequests: readonly BoardFeatureRequest[];
  isMoving(card: BoardCard): boolean;
  change(card: BoardCard, change: Change): void;
  /** What a screen reader is told last. */
  readonly said: string;
}

/** After so long the runner's word stands, even where it has not seen the change. */
const mostPatienceMs = 15_000;

/** Shows a card where it was put until the runner has seen the note, or the change was refused. */
export function useMoves(given?: readonly BoardFeatureRequest[]): Moves {
  const host = useHost();
  const known = useRunnerState().featureRequests;
  const featureRequests = given ?? known;
  const [moves, setMoves] = useState<ReadonlyMap<string, Move>>(new Map());
  const [said, setSaid] = useState('');
  const timers = useRef(new Map<string, number>());

  const forget = (key: string): void => {
    window.clearTimeout(timers.current.get(key));
    timers.current.delete(key);
    setMoves((known) => new Map([...known].filter(([each]) => each !== key)));
  };
  useEffect(() => {
    for (const { path, status, priority } of featureRequests) {
      const move = moves.get(path);
      if (move !== undefined && (status !== move.from.status || priority !== move.from.priority)) forget(path);
    }
  }, [featureRequests]);
  useEffect(
    () => () => {
      for (const timer of timers.current.values()) window.clearTimeout(timer);
    },
    [],
  );

  return {
    said,
    featureRequests: useMemo(
      () => featureRequests.map((each) => ({ ...each, ...moves.get(each.path)?.change })),
      [featureRequests, moves],
    ),
    isMoving: ({ featureRequest }) => moves.has(featureRequest.path),
    change({ featureRequest: shown }, change) {
      const { path, id, status, priority } = shown;
      const isSame = (change.status ?? status) === status && (change.priority ?? priority) === priority;
      const featureRequest = featureRequests.find((each) => each.path === path);
      if (featureRequest === undefined || moves.has(path) || isSame) return;
      setMoves((known) => new Map(known).set(path, { change, from: { status, priority } }));
      const to = change.status === undefined ? (change.priority ?? '') : sentenceCase(change.status);
      const name = id === '' ? path : id;
      setSaid(`Moving ${name} to ${to}.`);
      void host.setProperties(featureRequest, change).then((done) => {
        setSaid(done ? `${name} is set to ${to}.` : `${name} was not changed.`);
        if (done) timers.current.set(path, window.setTimeout(forget, mostPatienceMs, path));
        else forget(path);
      });
    },
  };
}
