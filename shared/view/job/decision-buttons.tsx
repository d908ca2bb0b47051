import { toOpusError } from '../../domain/errors.ts';
import { ActionButton, BusyGroup } from '../frame/action-button.tsx';
import { permits, useHost, useRunnerState } from '../frame/host-context.ts';
import { Copyable } from '../frame/copyable.tsx';
import type { DoableAction } from './act-on-job.ts';
import { decisionsAt, type DecidedJob } from './decisions.ts';
import type { ShownGate } from '../../view-model/shown-gate.ts';

export interface DecisionButtonsOptions {
  readonly job: DecidedJob;
  readonly gate: ShownGate;
  /** Told of a decision that was refused since something else is asked by now. */
  readonly onStale?: (sentence: string) => void;
}

/** Approve, Request changes, Reject or Answer, bound to the gate that is shown beside them. */
export function DecisionButtons({ job, gate, onStale }: DecisionButtonsOptions) {
  const host = useHost();
  const state = useRunnerState();
  const about = `${job.fr} ${gate.short}`;

  const send = async (decision: DoableAction): Promise<void> => {
    try {
      await decision.act(host);
    } catch (thrown) {
      const error = toOpusError(thrown);
      if (onStale === undefined || error.code !== 'registry.gate-stale') throw error;
      onStale(error.message);
    }
  };
  const may = permits(state, 'approval.decide');
  return (
    <div class="opus-decision">
      <p class="opus-bound">
        <span>Bound to</span> <Copyable shown={gate.short} all={gate.full} what="what the decision is bound to," />
      </p>
      <BusyGroup>
        <div class="opus-buttons" role="group" aria-label={`Decide about ${about}`}>
          {decisionsAt(job, gate).map((decision) => (
            <ActionButton
              key={decision.label}
              label={decision.label}
              icon={decision.icon}
              tone={decision.tone}
              needs={decision.needs}
              about={about}
              act={() => send(decision)}
            />
          ))}
        </div>
      </BusyGroup>
      {!may && gate.kind !== 'question' && <p class="opus-quiet">This device may look at it; an approver decides.</p>}
    </div>
  );
}
