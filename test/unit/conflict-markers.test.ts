import { describe, expect, it } from 'vitest';
import { filesWithMarkers } from '../../runner/core/pipeline/feedback.ts';

const added = (path: string, lines: readonly string[]): string =>
  [`diff --git a/${path} b/${path}`, `--- a/${path}`, `+++ b/${path}`, '@@ -1 +1,9 @@', ...lines, ''].join('\n');

const marked = ['+<<<<<<< main', '+theirs', '+=======', '+ours', '+>>>>>>> opus/ABC-7-1'];

describe('filesWithMarkers', () => {
  it('names the conflicting files in which markers are left', () => {
    const diff = added('one.txt', marked) + added('some folder/two.txt', ['+settled']) + added('three.txt', marked);
    expect(filesWithMarkers(diff, ['one.txt', 'some folder/two.txt', 'three.txt'])).toEqual(['one.txt', 'three.txt']);
  });

  it('reads the name of a file with spaces, which git ends with a tab', () => {
    const diff = added('some folder/two.txt', marked).replace('+++ b/some folder/two.txt', '$&\t');
    expect(filesWithMarkers(diff, ['some folder/two.txt'])).toEqual(['some folder/two.txt']);
  });

  it('says nothing of files that did not conflict, of lines that were there before, or of half a conflict', () => {
    expect(filesWithMarkers(added('docs/merging.md', marked), ['one.txt'])).toEqual([]);
    const before = marked.map((line) => line.replace('+', ' '));
    expect(filesWithMarkers(added('one.txt', before), ['one.txt'])).toEqual([]);
    expect(filesWithMarkers(added('one.txt', ['+<<<<<<< a heading']), ['one.txt'])).toEqual([]);
  });

  it('finds nothing in an empty diff', () => {
    expect(filesWithMarkers('', ['one.txt'])).toEqual([]);
  });
});
