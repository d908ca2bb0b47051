import { describe, expect, it } from 'vitest';
import { linkFeatureRequests } from '#shared/domain/link-feature-requests.ts';
import { parseFeatureRequest, type ParsedFeatureRequest } from '#shared/domain/parse-feature-request.ts';
import { graphLines } from '../../runner/cli/fr-graph.ts';
import {
  dependencyGraph,
  inBuildingOrder,
  mermaidLines,
  type DependencyGraph,
} from '../../runner/core/dependency-graph.ts';
import { fakeTerminal } from '../support/fake-terminal.ts';

interface Given {
  readonly status?: string;
  readonly title?: string;
  readonly body?: string;
  readonly path?: string;
}

function fr(id: string, dependsOn = '', given: Given = {}): ParsedFeatureRequest {
  const { status = 'planned', title = `Title of ${id}`, body = '', path = `10_features/${id}.md` } = given;
  const text = `---\nid: ${id}\ntitle: ${JSON.stringify(title)}\nstatus: ${status}\ndepends_on: [${dependsOn}]\n---\n${body}`;
  return parseFeatureRequest(path, text, { hash: (part) => part, bodyDependencies: true });
}

function graphOf(...notes: readonly ParsedFeatureRequest[]): DependencyGraph {
  return dependencyGraph(linkFeatureRequests(notes));
}

function printed(notes: readonly ParsedFeatureRequest[], paint?: (format: unknown, text: string) => string): string[] {
  const featureRequests = linkFeatureRequests(notes);
  const terminal = fakeTerminal(paint ? { paint: (_stream, format, text) => paint(format, text) } : {});
  return graphLines(terminal, dependencyGraph(featureRequests), featureRequests, {
    command: (words) => `opus ${words}`,
  });
}

const withoutId = parseFeatureRequest('10_features/readme.md', '# Read me\n', { hash: (part) => part });

describe('the dependency graph', () => {
  it('has every note, and every dependency with where it is said', () => {
    const graph = graphOf(fr('FR-10', 'FR-2', { body: 'after FR-2 and FR-1' }), fr('FR-2', 'FR-1'), fr('FR-1'));
    expect(graph).toEqual({
      nodes: ['FR-1', 'FR-2', 'FR-10'].map((id) => ({
        id,
        title: `Title of ${id}`,
        status: 'planned',
        path: `10_features/${id}.md`,
      })),
      edges: [
        { from: 'FR-2', to: 'FR-1', source: 'depends_on' },
        { from: 'FR-10', to: 'FR-2', source: 'depends_on' },
        { from: 'FR-10', to: 'FR-1', source: 'body' },
      ],
      cycles: [],
    });
  });

  it('names each circle once and whole, whichever note it is looked at from', () => {
    const graph = graphOf(fr('FR-3', 'FR-1'), fr('FR-1', 'FR-2'), fr('FR-2', 'FR-3'), fr('FR-4', 'FR-4, FR-1'));
    expect(graph.cycles).toEqual([
      ['FR-1', 'FR-2', 'FR-3', 'FR-1'],
      ['FR-4', 'FR-4'],
    ]);
  });

  it('leaves out the copies of a synchronisation, and keeps a note without an id at the end', () => {
    const copy = fr('FR-1', 'FR-2', { path: '10_features/FR-1 (conflicted copy 2026-01-01).md' });
    const graph = graphOf(withoutId, copy, fr('FR-1'), fr('FR-2'));
    expect(graph.nodes.map(({ path }) => path)).toEqual([
      '10_features/FR-1.md',
      '10_features/FR-2.md',
      '10_features/readme.md',
    ]);
    expect(graph.edges).toEqual([]);
  });

  it('is put in the order of building, with what a circle holds up last', () => {
    const graph = graphOf(
      fr('FR-1', 'FR-5'),
      fr('FR-2', 'FR-3'),
      fr('FR-3', 'FR-2'),
      fr('FR-4', 'FR-1, FR-6'),
      fr('FR-5'),
      fr('FR-6'),
      withoutId,
    );
    expect(inBuildingOrder(graph).map(({ id }) => id)).toEqual(['FR-5', 'FR-6', 'FR-1', 'FR-4', 'FR-2', 'FR-3', '']);
  });
});

describe('as Mermaid', () => {
  it('has a node for each note, an arrow for each dependency and a class for each status', () => {
    const lines = mermaidLines(
      graphOf(fr('FR-1', '', { status: 'in-progress' }), fr('FR-2', 'FR-1', { body: 'after FR-3' }), fr('FR-3')),
    );
    expect(lines.slice(0, 6)).toEqual([
      'graph LR',
      '  FR_1["FR-1: Title of FR-1"]:::in_progress',
      '  FR_2["FR-2: Title of FR-2"]:::planned',
      '  FR_3["FR-3: Title of FR-3"]:::planned',
      '  FR_2 --> FR_1',
      '  FR_2 -.-> FR_3',
    ]);
    expect(lines.slice(6).map((line) => line.split(' ').slice(2, 4).join(' '))).toEqual([
      'classDef in_progress',
      'classDef planned',
    ]);
  });

  it('never lets a title or an id break out of its place', () => {
    const title = 'A "quoted" <b>#1</b>; `x` ]]\u0007 end';
    const [, line] = mermaidLines(graphOf(fr('FR-1', '', { title })));
    expect(line).toBe('  FR_1["FR-1: A #34;quoted#34; #60;b#62;#35;1#60;/b#62;#59; #96;x#96; #93;#93; end"]:::planned');
    const node = { title: '', status: null, path: 'a.md' };
    const odd = ['end', 'FR-1', 'FR.1', '9-9'].map((id) => ({ ...node, id }));
    const keys = mermaidLines({ nodes: [...odd, { ...node, id: '' }], edges: [], cycles: [] })
      .slice(1, 6)
      .map((shown) => shown.trim().split('[')[0]);
    expect(keys).toEqual(['note_1', 'FR_1', 'note_3', 'note_4', 'note_5']);
  });

  it('paints the arrows of a circle', () => {
    const lines = mermaidLines(graphOf(fr('FR-1'), fr('FR-2', 'FR-1, FR-3'), fr('FR-3', 'FR-2')));
    expect(lines.at(-1)).toMatch(/^ {2}linkStyle 1,2 stroke:/);
  });

  it('is valid for no notes at all', () => {
    expect(mermaidLines(graphOf())).toEqual(['graph LR']);
  });
});

describe('as text', () => {
  it('says how to begin where there is nothing', () => {
    expect(printed([])).toEqual(['There are no feature requests yet. Write one with: opus fr new "Title"']);
  });

  it('is short for one', () => {
    expect(printed([fr('FR-1')])).toEqual([
      'ID    STATUS   TITLE',
      'FR-1  planned  Title of FR-1',
      '',
      'No feature request depends on another.',
      '1 feature request: 1 can start.',
      'Can start: FR-1',
    ]);
  });

  it('shows what is blocked by what, and what is done, under way or free', () => {
    const notes = [
      fr('FR-1', '', { status: 'done' }),
      fr('FR-2', 'FR-1', { status: 'in-review' }),
      fr('FR-3', 'FR-1'),
      fr('FR-4', 'FR-2, FR-3', { body: 'after FR-1' }),
    ];
    expect(printed(notes)).toEqual([
      'ID    STATUS     TITLE          DEPENDS ON         BLOCKS',
      'FR-1  done       Title of FR-1',
      'FR-2  in-review  Title of FR-2  FR-1 ✓             FR-4',
      'FR-3  planned    Title of FR-3  FR-1 ✓             FR-4',
      'FR-4  planned    Title of FR-4  FR-2 FR-3 FR-1* ✓',
      '',
      '✓ is done; * is said in the text of the note',
      '4 feature requests: 1 done, 1 under way, 1 can start, 1 blocked by others.',
      'Can start: FR-3',
    ]);
    const painted = printed(notes, (format, text) => `<${String(format)} ${text}>`);
    expect(painted[1]).toContain('<dim FR-1>  <dim done>');
    expect(painted[2]).toContain('FR-2  <blue in-review>  Title');
  });

  it('shows a circle with the line of every link in it', () => {
    const lines = printed([fr('FR-1', 'FR-2'), fr('FR-2', '', { body: 'One.\nAfter FR-1.' })]);
    expect(lines.slice(-5)).toEqual([
      '',
      'circle FR-1 → FR-2 → FR-1',
      '    10_features/FR-1.md:5  FR-1 depends on FR-2',
      '    10_features/FR-2.md:8  FR-2 depends on FR-1, says its text',
      '    None of these can start. Remove one of the links.',
    ]);
  });

  it('names the file of a note that has no id, or one that another has too', () => {
    const lines = printed([withoutId, fr('FR-1', '', { path: 'a.md' }), fr('FR-1', '', { path: 'b.md' })]);
    expect(lines.slice(1, 4).map((line) => line.split(/ {2,}/).at(-1))).toEqual([
      'a.md',
      'b.md',
      '10_features/readme.md',
    ]);
    expect(lines.slice(-2)).toEqual(['2 feature requests.', 'Something is wrong with 3 notes: opus fr validate']);
  });

  it('stays readable for a hundred that hang on one, with titles that are long or would move the cursor', () => {
    const notes = Array.from({ length: 99 }, (_, at) =>
      fr(`FR-${at + 2}`, 'FR-1', { title: `\u001b[2J${'long '.repeat(60)}` }),
    );
    const lines = printed([fr('FR-1'), ...notes]);
    expect(lines).toHaveLength(1 + 100 + 3);
    expect(Math.max(...lines.map((line) => line.length))).toBeLessThan(140);
    expect(lines.join('\n')).not.toContain('\u001b');
    expect(lines[1]).toMatch(/FR-2 FR-3 .* FR-9 and 91 more$/);
  });
});
