import { StateEffect, type EditorState, type Extension } from '@codemirror/state';
import {
  Decoration,
  ViewPlugin,
  WidgetType,
  type DecorationSet,
  type EditorView,
  type ViewUpdate,
} from '@codemirror/view';
import { editorLivePreviewField } from 'obsidian';
import type { ViewHost } from '../../shared/view/host.ts';
import { mountJobCard } from '../../shared/view/mount.tsx';
import { jobOfPullRequest } from '../current-job.ts';

const jobsChanged = StateEffect.define();

/** In live preview, a card at the end of each line that names the pull request of a known job, but where the cursor is. */
export function livePreviewCards(host: ViewHost): Extension {
  return ViewPlugin.define((view) => createCards(view, host), { decorations: (cards) => cards.decorations });
}

interface Cards {
  decorations: DecorationSet;
  update(update: ViewUpdate): void;
  destroy(): void;
}

function createCards(view: EditorView, host: ViewHost): Cards {
  let known = knownAddresses(host);
  const stop = host.client.onChange(() => {
    const now = knownAddresses(host);
    if (now === known) return;
    known = now;
    view.dispatch({ effects: jobsChanged.of(null) });
  });
  const cards: Cards = {
    decorations: decorationsOf(view, host),
    update(update) {
      const isToggled = isLivePreview(update.startState) !== isLivePreview(update.state);
      const isTold = update.transactions.some(({ effects }) => effects.some((effect) => effect.is(jobsChanged)));
      if (update.docChanged || update.viewportChanged || update.selectionSet || isToggled || isTold) {
        cards.decorations = decorationsOf(update.view, host);
      }
    },
    destroy: stop,
  };
  return cards;
}

function isLivePreview(state: EditorState): boolean {
  return state.field(editorLivePreviewField, false) ?? false;
}

function knownAddresses(host: ViewHost): string {
  return [...host.client.state().jobs.values()].flatMap(({ pr }) => pr?.url ?? []).join('\n');
}

/** Only what is in view is looked at, so that the length of the note does not matter. */
function decorationsOf(view: EditorView, host: ViewHost): DecorationSet {
  const { state } = view;
  const jobs = host.client.state();
  if (!isLivePreview(state) || jobs.jobs.size === 0) return Decoration.none;
  const bodyFrom = frontmatterEnd(state);
  const found = new Map<number, string>();
  for (const { from, to } of view.visibleRanges) {
    let line = state.doc.lineAt(Math.max(from, bodyFrom));
    for (;;) {
      if (!isTouched(state, line.from, line.to)) {
        for (const [url] of line.text.matchAll(/(?:https?|file):\/\/[^\s<>()[\]"'`]+/gi)) {
          const address = jobOfPullRequest(jobs, url)?.pr?.url;
          if (address !== undefined) found.set(line.to, address);
        }
      }
      if (line.to >= to || line.number >= state.doc.lines) break;
      line = state.doc.line(line.number + 1);
    }
  }
  const isCode = found.size === 0 ? () => false : codeIn(state, Math.max(...found.keys()));
  const places = [...found].filter(([at]) => !isCode(at)).sort(([one], [other]) => one - other);
  return Decoration.set(
    places.map(([at, url]) => Decoration.widget({ widget: new CardWidget(host, url), side: 1 }).range(at)),
  );
}

/** Which places up to `end` are in fenced code. It is read from the beginning, so only where there is something to place. */
function codeIn({ doc }: EditorState, end: number): (at: number) => boolean {
  const code: { readonly from: number; to: number }[] = [];
  let fence: string | null = null;
  for (let number = 1; number <= doc.lineAt(end).number; number += 1) {
    const line = doc.line(number);
    const mark = /^[ \t>]*(`{3,}|~{3,})/.exec(line.text)?.[1] ?? null;
    if (fence === null && mark !== null) {
      fence = mark;
      code.push({ from: line.from, to: doc.length });
    } else if (fence !== null && mark?.startsWith(fence)) {
      fence = null;
      const last = code.at(-1);
      if (last) last.to = line.to;
    }
  }
  return (at) => code.some(({ from, to }) => from <= at && at <= to);
}

function isTouched(state: EditorState, from: number, to: number): boolean {
  return state.selection.ranges.some((range) => range.from <= to && range.to >= from);
}

/** Properties are drawn by the app itself. */
function frontmatterEnd({ doc }: EditorState): number {
  if (doc.line(1).text.trimEnd() !== '---') return 0;
  const last = Math.min(doc.lines, 500);
  for (let number = 2; number <= last; number += 1) {
    const line = doc.line(number);
    if (line.text.trimEnd() === '---') return Math.min(line.to + 1, doc.length);
  }
  return 0;
}

const mounted = new WeakMap<HTMLElement, () => void>();

class CardWidget extends WidgetType {
  private readonly host: ViewHost;
  private readonly url: string;

  constructor(host: ViewHost, url: string) {
    super();
    this.host = host;
    this.url = url;
  }

  override eq(other: CardWidget): boolean {
    return other.url === this.url && other.host === this.host;
  }

  override toDOM(): HTMLElement {
    const element = createDiv({ cls: 'opus-card-place opus-card-live' });
    mounted.set(element, mountJobCard(element, this.host, { pullRequest: this.url }));
    return element;
  }

  override destroy(element: HTMLElement): void {
    mounted.get(element)?.();
  }

  /** Its buttons are its own; the editor must not take a click for a place of the cursor. */
  override ignoreEvent(): boolean {
    return true;
  }
}
