import { sentenceCase } from '../../view-model/formats.ts';
import type { Remark } from '../../view-model/diff-model.ts';
import { Icon } from '../frame/icon.tsx';
import { visibleText } from '../frame/visible-text.ts';
import type { CommentDesk, LinePlace } from './comment-desk.ts';
import { Pending } from './pending.tsx';

export interface RemarkListOptions {
  readonly remarks: readonly Remark[];
  readonly desk: CommentDesk;
  /** Says the file or the line, where that is not what it stands below. */
  readonly placed?: boolean;
  readonly onEdit?: (place: LinePlace) => void;
}

/** What the reviewer, the runner and the reader said. */
export function RemarkList({ remarks, desk, placed = false, onEdit }: RemarkListOptions) {
  return (
    <>
      {remarks.map((remark, at) => {
        switch (remark.kind) {
          case 'comment':
            return <Pending key={at} comment={remark.comment} desk={desk} {...(onEdit ? { onEdit } : {})} />;
          case 'tamper':
            return (
              <Said
                key={at}
                tone="bad"
                icon="shield-alert"
                title={sentenceCase(remark.what)}
                place={placed && remark.line !== null ? `line ${remark.line}` : ''}
                text={remark.message}
              />
            );
          case 'issue': {
            const { severity, message, file, line, rule } = remark.issue;
            const place = [file, line].filter((part) => part !== undefined).join(':');
            return (
              <Said
                key={at}
                tone={remark.isBlocking ? 'bad' : 'warning'}
                icon={remark.isBlocking ? 'octagon-alert' : 'message-square'}
                title={sentenceCase(severity)}
                place={placed ? place : ''}
                text={message}
                {...(rule === undefined ? {} : { rule })}
              />
            );
          }
        }
      })}
    </>
  );
}

interface SaidOptions {
  readonly tone: 'bad' | 'warning';
  readonly icon: string;
  readonly title: string;
  readonly place: string;
  readonly text: string;
  readonly rule?: string;
}

function Said({ tone, icon, title, place, text, rule }: SaidOptions) {
  return (
    <div class={`opus-issue opus-tone-${tone}`}>
      <Icon name={icon} />
      <div>
        <strong>{title}</strong>
        {place !== '' && <span class="opus-quiet"> {place}</span>}
        <p class="opus-said">{visibleText(text)}</p>
        {rule !== undefined && <p class="opus-quiet">Rule: {rule}</p>}
      </div>
    </div>
  );
}
