import { touchesCi } from '../pipeline/ci-change.ts';
import { diffFiles, type DiffFile, type DiffLine } from './diff-files.ts';

export type TamperKind =
  | 'test-deleted'
  | 'test-skipped'
  | 'test-weakened'
  | 'assertion-empty'
  | 'test-settings-changed'
  | 'threshold-lowered'
  | 'snapshot-changed'
  | 'ci-changed';

/** A change after which tests would say less. It may be right; a person should see it. */
export interface TamperFinding {
  readonly kind: TamperKind;
  readonly file: string;
  readonly line: number | null;
  readonly message: string;
}

/** What a diff does to the tests themselves, found mechanically: no agent is asked. */
export function findTampering(diff: string): TamperFinding[] {
  return diffFiles(diff).flatMap((file) => [
    ...(touchesCi(file.path) ? [finding('ci-changed', file, null, 'changes what the forge runs')] : []),
    ...(isTestFile(file.path) ? inTestFile(file) : []),
    ...(isSnapshot(file.path) && file.kind !== 'added'
      ? [finding('snapshot-changed', file, null, 'changes what tests compare with')]
      : []),
    ...inSettings(file),
  ]);
}

const testPaths = [
  /(?:^|\/)(?:tests?|__tests__|specs?|e2e)\/.+\.\w+$/i,
  /[._-](?:test|spec)s?\.\w+$/i,
  /(?:^|\/)test_[^/]+\.py$/,
  /(?:^|\/)\w+(?:Test|Tests|Spec|IT)\.(?:java|kt|kts|scala|cs|swift|groovy|php)$/,
];
const snapshots = /(?:^|\/)__snapshots__\/|\.snap(?:\.\w+)?$/;

function isTestFile(path: string): boolean {
  return !isSnapshot(path) && testPaths.some((pattern) => pattern.test(path));
}

function isSnapshot(path: string): boolean {
  return snapshots.test(path);
}

const skips =
  /\b(?:it|test|describe|context|suite|specify)\.(?:skip|todo|fixme|only|failing|skipIf)\b|\b(?:xit|xtest|xdescribe|xcontext|fit|fdescribe)\s*\(|@(?:Disabled|Ignore|Skip)\b|@?pytest\.(?:mark\.)?(?:skip|skipif|xfail)\b|@?unittest\.(?:skip|expectedFailure)\w*|\bself\.skipTest\(|\b[tb]\.Skip(?:f|Now)?\(|#\[ignore\b|\[(?:Ignore|Fact\(Skip)|\bmarkTestSkipped\(/;
const assertions =
  /\b(?:expect|assert\w*|should|verify|require\.(?:\w+))\b\s*[.(!]|\bassert\s|\bself\.(?:assert|fail)\w*\(|\bt\.(?:Error|Errorf|Fatal|Fatalf|Fail|FailNow)\(/;
const empty =
  /\bexpect\(\s*(true|1|'[^']*'|"[^"]*")\s*\)\s*\.(?:toBe|toEqual|toStrictEqual)\(\s*\1\s*\)|\bassert(?:True)?\s*\(?\s*(?:True|true)\s*\)?\s*;?\s*$|\bassert\.(?:ok|isTrue)\(\s*true\s*\)|\bassertEquals?\(\s*(\d+)\s*,\s*\2\s*\)/;

function inTestFile(file: DiffFile): TamperFinding[] {
  if (file.kind === 'deleted') return [finding('test-deleted', file, null, 'a test file is deleted')];
  const found: TamperFinding[] = [];
  const skipped = beyond(file, skips);
  if (skipped !== null) found.push(finding('test-skipped', file, skipped, 'a test is skipped or singled out'));
  const hollow = beyond(file, empty);
  if (hollow !== null) found.push(finding('assertion-empty', file, hollow, 'an assertion is always true'));
  const lost = count(file.removed, assertions) - count(file.added, assertions);
  if (lost > 0) {
    const line = file.removed.find(({ text }) => isCode(text) && assertions.test(text))?.number ?? null;
    const what = `${lost} ${lost === 1 ? 'assertion' : 'assertions'} fewer than before`;
    found.push(finding('test-weakened', file, line, what));
  }
  return found;
}

const settingsFiles =
  /(?:^|\/)(?:(?:jest|vitest|playwright|cypress|karma|ava|wtr|web-test-runner)\.(?:config|conf|workspace)\.\w+|\.mocharc(?:\.\w+)?|pytest\.ini|tox\.ini|noxfile\.py|conftest\.py|phpunit\.xml(?:\.dist)?|\.nycrc(?:\.\w+)?|\.c8rc(?:\.\w+)?|\.coveragerc|codecov\.ya?ml|\.rspec)$/;
/** Files that hold much besides: only what of them is about tests counts. */
const mixedFiles =
  /(?:^|\/)(?:package\.json|pyproject\.toml|setup\.cfg|Makefile|build\.gradle(?:\.kts)?|pom\.xml|Cargo\.toml|composer\.json|deno\.jsonc?)$/;
const testSetting =
  /"(?:pre|post)?test(?::[\w:-]+)?"\s*:|^\s*test[\w-]*\s*:|\[tool\.(?:pytest|coverage)|\btestpaths\b|\baddopts\b|\bskipTests\b|\btestMatch\b|\bcollectCoverage\b/;
const threshold =
  /\b(?:branches|functions|lines|statements|fail_under|threshold|minimum|cov-fail-under)\b\D{0,6}(\d+(?:\.\d+)?)/;

function inSettings(file: DiffFile): TamperFinding[] {
  const isSettings = settingsFiles.test(file.path);
  if (!isSettings && !mixedFiles.test(file.path)) return [];
  const changed = [...file.added, ...file.removed];
  const line = changed.find(({ text }) => testSetting.test(text))?.number ?? null;
  const isChanged = file.kind !== 'added' && (isSettings || line !== null);
  const lowered = loweredThreshold(file);
  return [
    ...(isChanged ? [finding('test-settings-changed', file, line, 'changes how tests are run')] : []),
    ...(lowered === null ? [] : [finding('threshold-lowered', file, lowered, 'lowers a threshold')]),
  ];
}

function loweredThreshold({ added, removed }: DiffFile): number | null {
  const values = (lines: readonly DiffLine[]) =>
    lines.flatMap(({ text, number }) => {
      const match = threshold.exec(text);
      return match === null
        ? []
        : [
            {
              number,
              name: text.slice(0, match.index).trim() + match[0].replace(/[\d.]+$/, ''),
              value: Number(match[1]),
            },
          ];
    });
  const after = values(added);
  for (const before of values(removed)) {
    const now = after.find(({ name }) => name === before.name);
    if (now !== undefined && now.value < before.value) return now.number;
  }
  return null;
}

/** The line of the first addition beyond those that were there before; null when there are no more than before. */
function beyond({ added, removed }: DiffFile, pattern: RegExp): number | null {
  if (count(added, pattern) <= count(removed, pattern)) return null;
  return added.find(({ text }) => isCode(text) && pattern.test(text))?.number ?? null;
}

function count(lines: readonly DiffLine[], pattern: RegExp): number {
  return lines.filter(({ text }) => isCode(text) && pattern.test(text)).length;
}

function isCode(text: string): boolean {
  return !/^\s*(?:\/\/|\*|\/\*|#(?!\[))/.test(text);
}

function finding(kind: TamperKind, { path }: DiffFile, line: number | null, message: string): TamperFinding {
  return { kind, file: path, line, message };
}
