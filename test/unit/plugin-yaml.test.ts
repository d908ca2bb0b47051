import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import * as yaml from 'yaml';
import { locateFrontmatter } from '../../shared/frontmatter/locate.ts';
import type * as Read from '../../shared/frontmatter/read.ts';
import type * as Splice from '../../shared/frontmatter/splice.ts';
import * as small from '../../plugin/yaml/yaml.ts';
import { asInPlugin } from '../support/as-in-plugin.ts';
import { sample, wantedText, word } from '../support/frontmatter-samples.ts';

// As the plugin is built: what is shared reads by the small parser, and is compared with the package.
const { readFrontmatter, spliceFrontmatter } = (await asInPlugin([
  "export { readFrontmatter } from './shared/frontmatter/read.ts';",
  "export { spliceFrontmatter } from './shared/frontmatter/splice.ts';",
])) as Pick<typeof Read, 'readFrontmatter'> & Pick<typeof Splice, 'spliceFrontmatter'>;

type Version = '1.1' | '1.2';

function parsed(source: string, version: Version): yaml.Document.Parsed {
  const schema = version === '1.1' ? { version } : { version, schema: 'core' as const };
  return yaml.parseDocument(source, {
    ...schema,
    keepSourceTokens: true,
    logLevel: 'silent',
    uniqueKeys: version === '1.2',
  });
}

function blockOf(text: string): string {
  const location = locateFrontmatter(text);
  return location.kind === 'found' ? text.slice(location.block.start, location.block.end) : '';
}

interface AnyPair {
  readonly key: { readonly source?: string } | null;
  readonly value: {
    range?: readonly number[];
    source?: unknown;
    value?: unknown;
    type?: unknown;
    items?: unknown;
  } | null;
  readonly srcToken: { readonly sep: readonly { readonly type: string; readonly offset: number }[] };
}

/** Everything that the shared code looks at of each property. Of YAML 1.1 it is only whether a value is the text that is written. */
function told(contents: unknown, version: Version): unknown[] {
  return (contents as { items: AnyPair[] }).items.map(({ key, value, srcToken }) => {
    const isCollection = value?.items !== undefined;
    const isEmpty = value === null || (!isCollection && value.source === '' && value.type === 'PLAIN');
    return {
      key: key?.source,
      colon: srcToken.sep.find(({ type }) => type === 'map-value-ind')?.offset,
      type: isCollection ? 'collection' : (value?.type ?? 'PLAIN'),
      source: isCollection ? null : (value?.source ?? ''),
      value: isCollection ? null : version === '1.2' ? (value?.value ?? null) : value?.value === value?.source,
      start: isEmpty ? null : value.range?.[0],
    };
  });
}

function hasMap(nodes: readonly unknown[]): boolean {
  return nodes.some((node) => {
    const value = small.isPair(node) ? node.value : node;
    return small.isMap(value) || (small.isSeq(value) && hasMap(value.items));
  });
}

const runs = { numRuns: 3_000 };

describe('the parser of properties in the plugin', () => {
  it.each(['1.1', '1.2'] as const)('finds the same keys, values and places as YAML %s has', (version) => {
    let read = 0;
    fc.assert(
      fc.property(sample, ({ text }) => {
        const source = blockOf(text);
        const ours = small.parseDocument(source, { version });
        if (ours.errors.length > 0) return;
        const { errors, contents } = parsed(source, version);
        expect(errors).toEqual([]);
        if (!yaml.isMap(contents)) return;
        read += 1;
        expect(told(ours.contents, version)).toEqual(told(contents, version));
      }),
      runs,
    );
    // It passes over flow maps, anchors and tags, of which these samples are full.
    expect(read).toBeGreaterThan(runs.numRuns / 5);
  });

  it('takes nothing for readable that is not, but inside of maps, which it passes over', () => {
    const damage = fc.tuple(fc.nat(), fc.stringMatching(/^[-:#"'[\]{},&*!|>%@`?\\ \tab\n]{0,3}$/), fc.nat({ max: 4 }));
    fc.assert(
      fc.property(sample, damage, ({ text }, [at, inserted, removed]) => {
        const source = blockOf(text);
        // The block's last line always ends.
        const place = at % Math.max(1, source.length);
        const damaged = source.slice(0, place) + inserted + source.slice(Math.min(place + removed, source.length - 1));
        const ours = small.parseDocument(damaged, { version: '1.2' });
        if (ours.errors.length > 0 || !small.isMap(ours.contents) || hasMap(ours.contents.items)) return;
        const { errors, contents } = parsed(damaged, '1.2');
        expect(errors.map(({ code }) => code)).toEqual([]);
        expect(told(ours.contents, '1.2')).toEqual(told(contents, '1.2'));
      }),
      runs,
    );
  });

  it('sets a property so that every reader reads back the text, and changes nothing else', () => {
    let written = 0;
    fc.assert(
      fc.property(sample, fc.nat(), wantedText, word, ({ text, keys, spans }, pick, wanted, absent) => {
        const key = keys[pick % (keys.length + 1)] ?? absent;
        const outcome = spliceFrontmatter(text, [[key, wanted]]);
        if (outcome.kind === 'refused') return;
        written += 1;
        const after = blockOf(outcome.text);
        for (const version of ['1.1', '1.2'] as const) {
          const { contents } = parsed(after, version);
          if (!yaml.isMap<{ source?: string }, { value?: unknown }>(contents))
            throw new Error('It is no map any more.');
          expect(contents.items.find((item) => item.key.source === key)?.value?.value).toBe(wanted);
        }
        const span = spans.get(key);
        if (!span) return;
        expect(outcome.text.slice(0, span[0])).toBe(text.slice(0, span[0]));
        expect(outcome.text.endsWith(text.slice(span[1]))).toBe(true);
      }),
      runs,
    );
    expect(written).toBeGreaterThan(runs.numRuns / 5);
  });

  it.each([
    ['a list with a comment', 'depends_on: # why\n  - "[[FR-009]]" # first\n\n  - FR-010\n', ['[[FR-009]]', 'FR-010']],
    ['a list at the margin', 'depends_on:\n- FR-009\n- 7\n', ['FR-009', 7]],
    ['a list on one line', 'depends_on: [FR-009, "[[FR-010]]"]\n', ['FR-009', '[[FR-010]]']],
    ['a list on several lines', 'depends_on: [\n  FR-009,\n  FR-010, ]\n', ['FR-009', 'FR-010']],
    ['a link that is not in quotes', 'depends_on: [[FR-009]]\n', [['FR-009']]],
  ])('reads %s', (_name, source, value) => {
    expect(readFrontmatter(`---\ntitle: >-\n  folded\n${source}---\n`).entries.get('depends_on')?.value).toEqual(value);
    expect((parsed(source, '1.2').toJS() as { depends_on: unknown }).depends_on).toEqual(value);
  });

  it.each([
    ['a colon that is not in quotes', 'title: Dispatch: one click\n', 'frontmatter.yaml', 2],
    ['a property twice', 'id: FR-001\nstatus: idea\nid: FR-002\n', 'frontmatter.duplicate-key', 4],
    ['a tab', 'id: FR-001\n\tstatus: idea\n', 'frontmatter.tab', 3],
    ['a quote that is left open', 'id: "FR-001\nstatus: idea\n', 'frontmatter.yaml', 2],
    ['a list alone', '- a\n- b\n', 'frontmatter.not-a-mapping', 2],
    ['a text alone', 'hello\n', 'frontmatter.not-a-mapping', 2],
    ['a character that begins nothing', 'title: @home\n', 'frontmatter.yaml', 2],
  ])('names the line of %s', (_name, source, code, line) => {
    expect(readFrontmatter(`---\n${source}---\n`).problems[0]).toMatchObject({ code, line });
  });
});
