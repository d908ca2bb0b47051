import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { LiveEntry, LiveEvent } from '../../shared/domain/live-output.ts';
import type { ReviewIssue } from '../../shared/domain/stage.ts';
import type { DiffDocument, DiffFileDocument } from '../../shared/protocol/review-documents.ts';
import { diffModel, type Remark } from '../../shared/view-model/diff-model.ts';
import { noOutput, outputText, searchHits, withEntries, withLogs } from '../../shared/view-model/output-model.ts';

type Line = DiffFileDocument['hunks'][number]['lines'][number];

const lines: Line[] = [
  { kind: 'context', text: 'one', before: 1, after: 1 },
  { kind: 'removed', text: 'two', before: 2, after: null },
  { kind: 'added', text: 'deux', before: null, after: 2 },
];

function file(path: string, change: Partial<DiffFileDocument> = {}): DiffFileDocument {
  return {
    ...{ path, from: null, change: 'changed', added: 1, removed: 1, cut: null },
    hunks: [{ header: '@@ -1,2 +1,2 @@', lines }],
    ...change,
  };
}

function document(change: Partial<DiffDocument>): DiffDocument {
  return {
    ...{ job: 'FR-1-1', base: null, head: null, gate: null, files: [file('a.ts')], cut: false, issues: [] },
    ...{ review: null, tamper: [], evidence: [] },
    ...change,
  };
}

const issue = (place: Partial<ReviewIssue>): ReviewIssue => ({ severity: 'major', message: 'Mind this.', ...place });
const words = (remarks: readonly Remark[]): string[] =>
  remarks.map((remark) =>
    remark.kind === 'issue' ? remark.issue.message : remark.kind === 'tamper' ? remark.message : remark.comment.body,
  );

describe('a change to be reviewed', () => {
  it.each<[string, Partial<ReviewIssue>, 'line' | 'file' | 'elsewhere']>([
    ['at a line that was added', { file: 'a.ts', line: 2 }, 'line'],
    ['by a path as a reviewer sees it', { file: './a.ts', line: 2 }, 'line'],
    ['at a line that is not in the diff', { file: 'a.ts', line: 90 }, 'file'],
    ['about a file', { file: 'a.ts' }, 'file'],
    ['about another file', { file: 'b.ts', line: 2 }, 'elsewhere'],
    ['about nothing in particular', {}, 'elsewhere'],
  ])('has an issue %s', (_where, place, expected) => {
    const { files, elsewhere, blocking } = diffModel(document({ issues: [issue(place)] }));
    const rows = files[0]?.rows.filter(({ remarks }) => remarks.length > 0) ?? [];
    expect({
      line: rows.map(({ text }) => text),
      file: words(files[0]?.remarks ?? []),
      elsewhere: words(elsewhere),
    }).toEqual({ line: [], file: [], elsewhere: [], [expected]: expected === 'line' ? ['deux'] : ['Mind this.'] });
    expect(blocking).toBe(1);
    expect(files[0]?.remarkCount).toBe(expected === 'elsewhere' ? 0 : 1);
  });

  it('has findings of tampering first, and the comments that are not sent yet last', () => {
    const { files } = diffModel(
      document({
        issues: [issue({ file: 'a.ts', line: 1, severity: 'nit' })],
        tamper: [{ kind: 'skipped-test', file: 'a.ts', line: 1, message: 'A test is skipped.' }],
      }),
      [{ file: 'a.ts', line: 1, body: 'Why?' }],
    );
    expect(words(files[0]?.rows[1]?.remarks ?? [])).toEqual(['A test is skipped.', 'Mind this.', 'Why?']);
  });

  it('has lines to comment on by the numbers that they have now, and in a file that is gone by those that they had', () => {
    const gone = file('gone.ts', { change: 'deleted', hunks: [{ header: '', lines: lines.slice(0, 2) }] });
    const model = diffModel(document({ files: [file('a.ts'), gone], issues: [issue({ file: 'gone.ts', line: 2 })] }));
    expect(model.files[0]?.rows.map(({ commentLine }) => commentLine)).toEqual([null, 1, null, 2]);
    expect(model.files[1]?.rows.map(({ commentLine }) => commentLine)).toEqual([null, 1, 2]);
    expect(words(model.files[1]?.rows[2]?.remarks ?? [])).toEqual(['Mind this.']);
  });

  it('knows a file by the name that it had', () => {
    const moved = file('new.ts', { from: 'old.ts', change: 'renamed' });
    const { files, summary } = diffModel(document({ files: [moved], issues: [issue({ file: 'old.ts', line: 2 })] }));
    expect(files[0]).toMatchObject({ title: 'old.ts → new.ts', remarkCount: 1 });
    expect(summary).toBe('1 file, +1 −1');
  });

  it('is folded where it is long, until somebody wants it', () => {
    const long = (path: string, count: number): DiffFileDocument =>
      file(path, {
        hunks: [
          { header: '', lines: Array.from({ length: count }, (_, at) => ({ ...lines[0], after: at + 1 }) as Line) },
        ],
      });
    const files = [long('a', 500), ...['b', 'c', 'd', 'e', 'f', 'g'].map((path) => long(path, 390))];
    const folded = (chosen: Parameters<typeof diffModel>[2]): string =>
      diffModel(document({ files }), [], chosen)
        .files.filter(({ isFolded }) => isFolded)
        .map(({ path }) => path)
        .join('');
    expect(folded({})).toBe('ag');
    expect(folded({ unfolded: new Set(['a']) })).toBe('efg');
    expect(folded({ folded: new Set(['b']) })).toBe('ab');
  });

  it.each<[Partial<DiffDocument>, string]>([
    [{ files: [] }, 'Nothing is changed.'],
    [{ files: [], cut: true }, 'The change is too large to be shown.'],
    [{ files: [file('a'), file('b')], cut: true }, '2 files, +2 −2; more files are not shown'],
  ])('sums up %#', (change, summary) => {
    expect(diffModel(document(change)).summary).toBe(summary);
  });
});

function entry(number: number, event: LiveEvent, at = number): LiveEntry {
  return { number, at, job: 'FR-1-1', attempt: 'one', stage: 'code', event };
}

describe('the output of a job', () => {
  it.each<[LiveEvent, string]>([
    [{ kind: 'started', round: 0, try: 1, agent: 'coder' }, 'heading: Code by coder'],
    [{ kind: 'started', round: 2, try: 3, agent: null }, 'heading: Code, round 2, try 3'],
    [{ kind: 'command', purpose: 'test', command: 'npm test' }, 'tool: $ npm test'],
    [{ kind: 'text', text: 'one\r\ntwo\n' }, 'text: one|text: two'],
    [{ kind: 'text', text: ' \n ' }, ''],
    [{ kind: 'tool-call', id: '1', name: 'Bash', input: '{"command":["ls","-l"]}' }, 'tool: Bash ls -l'],
    [{ kind: 'tool-call', id: '1', name: 'Read', input: '{"file_path":"a.ts"}' }, 'tool: Read a.ts'],
    [{ kind: 'tool-call', id: '1', name: 'Odd', input: 'not json' }, 'tool: Odd not json'],
    [{ kind: 'tool-result', id: '1', ok: true, output: 'fine' }, 'result: fine'],
    [{ kind: 'tool-result', id: '1', ok: false, output: 'no' }, 'bad: no'],
    [{ kind: 'file-change', path: 'a.ts', change: 'added' }, 'file: Added a.ts'],
    [{ kind: 'question', question: 'Which?' }, 'question: Which?'],
    [{ kind: 'permission', name: 'Web', granted: false }, 'warning: Denied Web'],
    [{ kind: 'ended', status: 'rejected', sentence: 'Two tests fail.' }, 'bad: Code rejected: Two tests fail.'],
    [{ kind: 'ended', status: 'passed', sentence: '' }, 'good: Code passed.'],
    [{ kind: 'session', id: 'x' }, ''],
    [{ kind: 'levitated' } as unknown as LiveEvent, ''],
  ])('shows %j', (event, expected) => {
    const { lines: shown } = withEntries(noOutput, [entry(1, event)], 0);
    expect(shown.map(({ kind, text }) => `${kind}: ${text}`).join('|')).toBe(expected);
  });

  it.each([
    ['FR-001-1.plan.0.0.1.log', 'Plan'],
    ['FR-001-1.test.2.0.1-test.log', 'Test, round 2'],
    ['v1.FR-2-1.code.1.3.2-setup.log', 'Code, round 1, try 2: setup'],
    ['notes.log', 'notes.log'],
  ])('names what %s is', (name, heading) => {
    expect(withLogs(noOutput, [{ name, text: 'said' }]).lines.map(({ text }) => text)).toEqual([heading, 'said']);
  });

  it('cuts a line that nobody reads to its end', () => {
    const { lines: shown } = withEntries(noOutput, [entry(1, { kind: 'text', text: 'x'.repeat(10_000) })], 0);
    expect(shown[0]?.text).toHaveLength(2_001);
  });

  it('keeps the newest 5,000 lines with their numbers, and counts what is missing', () => {
    const many = Array.from({ length: 5_010 }, (_, index) => entry(index + 1, { kind: 'text', text: `${index + 1}` }));
    const model = withEntries(withEntries(noOutput, many.slice(0, 4_000), 0), many.slice(4_000), 0);
    expect(model.lines).toHaveLength(5_000);
    expect(model.lines[0]).toMatchObject({ number: 11, text: '11' });
    expect(model.missing).toBe(10);
    expect(withEntries(model, [], 7).missing).toBe(10 + 7 + 1);
  });

  it('is the same however it comes in parts and again', () => {
    const all = Array.from({ length: 30 }, (_, index) => entry(index + 1, { kind: 'text', text: `${index + 1}` }));
    const part = fc.tuple(fc.nat(30), fc.nat(30)).map(([one, other]) => [Math.min(one, other), Math.max(one, other)]);
    fc.assert(
      fc.property(fc.array(part, { maxLength: 8 }), (parts) => {
        let upTo = 0;
        let model = noOutput;
        // A reconnect tells again from somewhere before, never from behind what was told.
        for (const [from = 0, to = 0] of [...parts, [0, 30]]) {
          model = withEntries(model, all.slice(Math.min(from, upTo), to), 0);
          upTo = Math.max(upTo, to);
        }
        expect(outputText(model)).toBe(all.map(({ number }) => `${number}`).join('\n'));
      }),
    );
  });

  it('goes on with a runner that counts anew, since it counts later', () => {
    const before = withEntries(noOutput, [entry(900, { kind: 'text', text: 'before' }, 1_000)], 0);
    const after = withEntries(before, [entry(1, { kind: 'text', text: 'after' }, 2_000)], 0);
    expect(outputText(after)).toBe('before\nafter');
  });

  it('is searched whatever the case', () => {
    const model = withEntries(noOutput, [entry(1, { kind: 'text', text: 'One\ntwo\nALONE' })], 0);
    expect(searchHits(model, ' one ')).toEqual([0, 2]);
    expect(searchHits(model, '  ')).toEqual([]);
  });
});
