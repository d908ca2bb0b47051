import { Fragment, type ComponentChildren } from 'preact';
import { useRef, useState } from 'preact/hooks';
import type { DiffFileModel, DiffRow } from '../../view-model/diff-model.ts';
import { useHost } from '../frame/host-context.ts';
import { visibleText } from '../frame/visible-text.ts';
import type { CommentDesk, LinePlace } from './comment-desk.ts';
import { RemarkList } from './remark-list.tsx';

export interface DiffLinesOptions {
  readonly file: DiffFileModel;
  readonly desk: CommentDesk;
  readonly editing: LinePlace | null;
  readonly onComment: (place: LinePlace, from: HTMLElement | null) => void;
  /** The form for a comment, where one is being written. */
  readonly formAt: (place: LinePlace) => ComponentChildren;
}

const signs = { context: ' ', added: '+', removed: '−' };

/** One stop for Tab; within it the arrow keys move from line to line, and C or Enter comments. */
export function DiffLines({ file, desk, editing, onComment, formAt }: DiffLinesOptions) {
  const { isMobile } = useHost();
  const table = useRef<HTMLTableElement>(null);
  const [active, setActive] = useState(() => file.rows.findIndex(({ kind }) => kind !== 'hunk'));
  const { rows } = file;
  const mayComment = desk.write !== null;

  const rowAt = (at: number): HTMLElement | null =>
    table.current?.querySelector<HTMLElement>(`[data-line="${at}"]`) ?? null;
  const indexOf = (target: EventTarget | null): number | null => {
    const row = (target as Element | null)?.closest('[data-line]');
    return row === null || row === undefined ? null : Number(row.getAttribute('data-line'));
  };
  const comment = (at: number): void => {
    const line = rows[at]?.commentLine ?? null;
    if (line === null || !mayComment) return;
    setActive(at);
    onComment({ file: file.path, line }, rowAt(at));
  };
  const walk = (from: number, by: 1 | -1): number => {
    for (let at = from; at >= 0 && at < rows.length; at += by) if (rows[at]?.kind !== 'hunk') return at;
    return active;
  };
  const onKeyDown = (event: KeyboardEvent): void => {
    const at = indexOf(event.target);
    if (at === null || event.ctrlKey || event.metaKey || event.altKey) return;
    const targets: Readonly<Record<string, () => number>> = {
      ArrowDown: () => walk(at + 1, 1),
      ArrowUp: () => walk(at - 1, -1),
      Home: () => walk(0, 1),
      End: () => walk(rows.length - 1, -1),
    };
    const to = targets[event.key]?.();
    if (to !== undefined) {
      event.preventDefault();
      setActive(to);
      rowAt(to)?.focus();
    } else if (event.key === 'c' || event.key === 'Enter') {
      event.preventDefault();
      comment(at);
    }
  };

  return (
    <table
      ref={table}
      class="opus-diff"
      aria-label={`Changes of ${file.path}`}
      onKeyDown={onKeyDown}
      onClick={(event) => {
        const isButton = (event.target as Element).closest('.opus-line-comment') !== null;
        const at = indexOf(event.target);
        if (at !== null && (isButton || isMobile)) comment(at);
      }}
    >
      <thead>
        <tr>
          <th scope="col" class="opus-column-before">
            <span class="opus-hidden">Line before</span>
          </th>
          <th scope="col" class="opus-column-after">
            <span class="opus-hidden">Line now</span>
          </th>
          <th scope="col">
            <span class="opus-hidden">Text</span>
          </th>
        </tr>
      </thead>
      <tbody>
        {rows.map((row, at) => {
          if (row.kind === 'hunk') {
            return (
              <tr key={at} class="opus-hunk">
                <td colSpan={3}>
                  <code>{visibleText(row.text)}</code>
                </td>
              </tr>
            );
          }
          const place: LinePlace | null = row.commentLine === null ? null : { file: file.path, line: row.commentLine };
          const isEdited = place !== null && editing !== null && editing.line === place.line;
          return (
            <Fragment key={at}>
              <Line row={row} at={at} isActive={at === active} mayComment={mayComment && place !== null} />
              {(row.remarks.length > 0 || isEdited) && (
                <tr class="opus-under">
                  <td colSpan={3}>
                    <RemarkList
                      remarks={row.remarks}
                      desk={desk}
                      onEdit={(own) => {
                        onComment(own, rowAt(at));
                      }}
                    />
                    {place !== null && formAt(place)}
                  </td>
                </tr>
              )}
            </Fragment>
          );
        })}
      </tbody>
    </table>
  );
}

interface LineOptions {
  readonly row: DiffRow;
  readonly at: number;
  readonly isActive: boolean;
  readonly mayComment: boolean;
}

function Line({ row, at, isActive, mayComment }: LineOptions) {
  const kind = row.kind === 'hunk' ? 'context' : row.kind;
  return (
    <tr
      class={`opus-line opus-line-${kind}`}
      data-line={at}
      tabIndex={isActive ? 0 : -1}
      aria-keyshortcuts={mayComment ? 'c' : undefined}
    >
      <td class="opus-number opus-number-before">{row.before}</td>
      <td class="opus-number">
        {mayComment && (
          <span class="opus-line-comment" title="Comment on this line (C)" aria-hidden="true">
            +
          </span>
        )}
        {row.after}
      </td>
      <td class="opus-code">
        <span class="opus-sign" aria-hidden="true">
          {signs[kind]}
        </span>
        {kind !== 'context' && <span class="opus-hidden">{`${kind}: `}</span>}
        <code>{visibleText(row.text)}</code>
      </td>
    </tr>
  );
}
