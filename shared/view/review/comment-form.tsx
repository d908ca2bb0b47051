import { useEffect, useId, useRef, useState } from 'preact/hooks';
import { PlainButton } from '../frame/plain-button.tsx';

export interface CommentFormOptions {
  readonly place: string;
  readonly text: string;
  readonly onSave: (text: string) => void;
  readonly onGiveUp: () => void;
}

/** Saved by its button or Ctrl+Enter; Escape gives it up. */
export function CommentForm({ place, text, onSave, onGiveUp }: CommentFormOptions) {
  const id = useId();
  const field = useRef<HTMLTextAreaElement>(null);
  const [body, setBody] = useState(text);
  useEffect(() => {
    field.current?.focus();
  }, []);
  const save = (): void => {
    if (body.trim() !== '') onSave(body.trim());
  };
  return (
    <div class="opus-comment-form">
      <label for={id}>Comment on {place}</label>
      <textarea
        id={id}
        ref={field}
        rows={3}
        maxLength={5_000}
        value={body}
        onInput={(event) => {
          setBody(event.currentTarget.value);
        }}
        onKeyDown={(event) => {
          event.stopPropagation();
          if (event.key === 'Escape') onGiveUp();
          if (event.key === 'Enter' && (event.ctrlKey || event.metaKey)) save();
        }}
      />
      <div class="opus-buttons">
        <PlainButton label="Add comment" icon="message-square-plus" bare={false} onPress={save} />
        <PlainButton label="Discard" icon="x" bare={false} onPress={onGiveUp} />
      </div>
    </div>
  );
}
