import type { LineComment } from '../../protocol/method-params.ts';
import { Icon } from '../frame/icon.tsx';
import { PlainButton } from '../frame/plain-button.tsx';
import { placeText, type CommentDesk, type LinePlace } from './comment-desk.ts';

export interface PendingOptions {
  readonly comment: LineComment;
  readonly desk: CommentDesk;
  readonly onEdit?: (place: LinePlace) => void;
}

/** A comment of one's own that is not sent yet. */
export function Pending({ comment, desk, onEdit }: PendingOptions) {
  const { file, line, body } = comment;
  const place = placeText(comment);
  return (
    <div class="opus-pending">
      <Icon name="message-square" />
      <div>
        <strong>Your comment, not sent yet</strong>
        <p class="opus-said">{body}</p>
      </div>
      {onEdit !== undefined && (
        <PlainButton
          label="Edit comment"
          icon="pencil"
          about={place}
          onPress={() => {
            onEdit({ file, line });
          }}
        />
      )}
      <PlainButton
        label="Remove comment"
        icon="trash-2"
        about={place}
        onPress={() => {
          desk.remove(comment);
        }}
      />
    </div>
  );
}
