import { useId, useState } from 'preact/hooks';
import { toOpusError } from '../../domain/errors.ts';
import type { BoardJob } from '../../protocol/board.ts';
import { ActionButton } from '../frame/action-button.tsx';
import { counted } from '../../view-model/formats.ts';
import { permits, useHost, useRunnerState } from '../frame/host-context.ts';
import { PlainButton } from '../frame/plain-button.tsx';
import { Section } from '../frame/section.tsx';
import { DecisionButtons } from '../job/decision-buttons.tsx';
import type { ShownGate } from '../../view-model/shown-gate.ts';
import { gateQuestions } from '../job/gate-questions.ts';
import { placeText, type CommentDesk } from './comment-desk.ts';

export interface ReviewDecisionOptions {
  readonly job: BoardJob | null;
  readonly name: string;
  readonly gate: ShownGate | null;
  readonly desk: CommentDesk;
  readonly onSent: () => void;
  readonly onStale: (sentence: string) => void;
}

/** The comments to send back, and the decision about exactly what is shown above. */
export function ReviewDecision({ job, name, gate, desk, onSent, onStale }: ReviewDecisionOptions) {
  const { comments } = desk;
  const host = useHost();
  const state = useRunnerState();
  const id = useId();
  const [words, setWords] = useState('');
  const mayComment = permits(state, 'job.comment');
  const canTakeComments = gate?.kind === 'merge' || job?.waitingFor === 'human';
  const sendBack = async (): Promise<void> => {
    try {
      await host.client.call('job.comment', {
        job: name,
        comments: [...comments],
        comment: words.trim(),
        ...(gate === null ? {} : { gate: gate.full }),
      });
    } catch (thrown) {
      const error = toOpusError(thrown);
      if (error.code !== 'registry.gate-stale') throw error;
      onStale(error.message);
      return;
    }
    setWords('');
    onSent();
    host.tell(
      `${name} goes back to code with ${comments.length === 0 ? 'the comment' : counted(comments.length, 'comment')}.`,
    );
  };
  return (
    <>
      {mayComment && canTakeComments && (
        <Section title="Your comments" count={comments.length}>
          {comments.length === 0 && <p class="opus-quiet">Comment on lines or files above, or on the whole here.</p>}
          <ul class="opus-comments" aria-label="Comments that are not sent yet">
            {comments.map((comment) => (
              <li key={placeText(comment)}>
                <div>
                  <code>{placeText(comment)}</code>
                  <p class="opus-said">{comment.body}</p>
                </div>
                <PlainButton
                  label="Remove comment"
                  icon="trash-2"
                  about={placeText(comment)}
                  onPress={() => {
                    desk.remove(comment);
                  }}
                />
              </li>
            ))}
          </ul>
          <label class="opus-quiet" for={`${id}-words`}>
            Comment on the whole
          </label>
          <textarea
            id={`${id}-words`}
            rows={2}
            maxLength={20_000}
            value={words}
            onInput={(event) => {
              setWords(event.currentTarget.value);
            }}
          />
        </Section>
      )}
      <section class="opus-verdict" aria-labelledby={`${id}-title`}>
        <h2 class="opus-section-title" id={`${id}-title`}>
          {gate === null ? 'No decision is asked for' : gateQuestions[gate.kind]}
        </h2>
        {gate !== null && job !== null && <DecisionButtons job={job} gate={gate} onStale={onStale} />}
        {mayComment && canTakeComments && (
          <div class="opus-buttons">
            <ActionButton
              label={
                comments.length === 0
                  ? 'Send back with the comment'
                  : `Send back with ${counted(comments.length, 'comment')}`
              }
              icon="send"
              needs="job.comment"
              blocked={comments.length === 0 && words.trim() === '' ? 'Comment on a line or on the whole first.' : null}
              act={sendBack}
            />
          </div>
        )}
      </section>
    </>
  );
}
