import type { RefObject } from 'preact';
import { useRef, useState } from 'preact/hooks';
import type { DiffFileModel } from '../../view-model/diff-model.ts';
import { Icon } from '../frame/icon.tsx';
import { PlainButton } from '../frame/plain-button.tsx';
import { placeText, samePlace, type CommentDesk, type LinePlace } from './comment-desk.ts';
import { CommentForm } from './comment-form.tsx';
import { DiffLines } from './diff-lines.tsx';
import { RemarkList } from './remark-list.tsx';

export interface DiffFileOptions {
  readonly file: DiffFileModel;
  readonly desk: CommentDesk;
  readonly heading: RefObject<HTMLButtonElement | null>;
  readonly onToggle: () => void;
}

const changeWords = { added: 'new', changed: '', deleted: 'deleted', renamed: 'moved', binary: 'binary' };

export function DiffFile({ file, desk, heading, onToggle }: DiffFileOptions) {
  const [editing, setEditing] = useState<LinePlace | null>(null);
  const back = useRef<HTMLElement | null>(null);
  const word = changeWords[file.change];
  const open = !file.isFolded;
  const whole: LinePlace = { file: file.path, line: null };
  const edit = (place: LinePlace, from: HTMLElement | null): void => {
    back.current = from;
    setEditing(place);
  };
  const end = (): void => {
    setEditing(null);
    back.current?.focus();
  };
  const formAt = (place: LinePlace) =>
    editing !== null &&
    samePlace(editing, place) && (
      <CommentForm
        key={placeText(place)}
        place={placeText(place)}
        text={desk.comments.find((comment) => samePlace(comment, place))?.body ?? ''}
        onSave={(body) => {
          desk.write?.({ ...place, body });
          end();
        }}
        onGiveUp={end}
      />
    );
  return (
    <section class="opus-file" aria-label={file.path}>
      <div class="opus-file-head">
        <h3 class="opus-file-title">
          <button ref={heading} type="button" class="opus-fold" aria-expanded={open} onClick={onToggle}>
            <Icon name={open ? 'chevron-down' : 'chevron-right'} />
            <span class="opus-path">{file.title}</span>
            {word !== '' && <span class="opus-badge">{word}</span>}
            <span class="opus-added">+{file.added}</span>
            <span class="opus-removed">−{file.removed}</span>
          </button>
        </h3>
        {desk.write !== null && open && (
          <PlainButton
            label="Comment on file"
            icon="message-square-plus"
            about={file.path}
            onPress={() => {
              edit(whole, heading.current);
            }}
          />
        )}
      </div>
      {open && (
        <>
          <div class="opus-file-remarks">
            <RemarkList
              remarks={file.remarks}
              desk={desk}
              placed
              onEdit={(place) => {
                edit(place, heading.current);
              }}
            />
            {formAt(whole)}
          </div>
          {file.change === 'binary' && (
            <p class="opus-quiet opus-file-note">A binary file: its content is not shown.</p>
          )}
          {file.rows.length > 0 && (
            <DiffLines file={file} desk={desk} editing={editing} onComment={edit} formAt={formAt} />
          )}
          {file.cut !== null && <p class="opus-quiet opus-file-note">{file.cut}</p>}
        </>
      )}
    </section>
  );
}
