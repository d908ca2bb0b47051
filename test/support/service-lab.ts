import { execFileSync } from 'node:child_process';
import { mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { connectToService } from '../../runner/cli/service-client.ts';
import type { Pull, Repository } from './github/records.ts';
import type { GitHub } from './github/start-github.ts';

/** One feature request of the lab, and what becomes of it. */
export interface LabRequest {
  readonly id: string;
  readonly repository: 'app' | 'web';
  readonly priority: string;
  readonly dependsOn: string | null;
  readonly fixRounds: number;
  /** How a person approves the merge; null where nobody does. */
  readonly approvedBy: 'note' | 'call' | null;
  /** Written when the first agents are at work already. */
  readonly isLate: boolean;
}

const plain = { repository: 'app', priority: 'P2', dependsOn: null, fixRounds: 0, isLate: false } as const;

/** Mixed in urgency over two repositories; the late one pushes another aside, the last is never approved. */
export const labRequests: readonly LabRequest[] = [
  { ...plain, id: 'SK-1', approvedBy: 'note' },
  { ...plain, id: 'SK-2', repository: 'web', priority: 'P1', fixRounds: 1, approvedBy: 'call' },
  { ...plain, id: 'SK-3', priority: 'P1', dependsOn: 'SK-1', approvedBy: 'call' },
  { ...plain, id: 'SK-4', repository: 'web', priority: 'P0', isLate: true, approvedBy: 'note' },
  { ...plain, id: 'SK-5', approvedBy: 'call' },
  { ...plain, id: 'SK-6', repository: 'web', priority: 'P3', approvedBy: null },
];

/** Where the second repository is, when it is on a GitHub. */
export interface Hosting {
  readonly github: GitHub;
  readonly repository: Repository;
  /** The pull request of a request's job; null before it is opened. */
  readonly pull: (id: string) => Pull | null;
}

/** On a GitHub somebody asks the runner in the pull request of this one, and is answered. */
export const askedInPullRequest = 'SK-6';
const asker = 'alice';

export interface ServiceLab {
  readonly hosting: Hosting | null;
  readonly folder: string;
  readonly config: string;
  readonly vault: string;
  readonly data: string;
  note(id: string): string;
  /** Git on the origin of a repository. */
  git(repository: string, ...parameters: string[]): string;
  /** What a person does at what the notes show now: writes the late request, and approves. Repeating it is harmless. */
  attend(): void;
  /** Requests that are not yet where they should end, each with what its note says. */
  unsettled(): string[];
}

/** Lines that are the user's own. */
export const userLinesOf = ({ id, repository, priority, dependsOn }: LabRequest): string[] => [
  `id: ${id}`,
  `title: 'Count "again": ${id}'   # a comment of the user`,
  `priority: ${priority}`,
  `repo: ${repository}`,
  ...(dependsOn === null ? [] : ['depends_on:', `  - "[[${dependsOn}]]"`]),
  'tags: [fr,  two]',
  `The *body* of ${id} stays.`,
];

function noteText(request: LabRequest): string {
  const lines = userLinesOf(request);
  return ['---', ...lines.slice(0, -1), 'status: planned', 'decision: ""', '---', lines.at(-1), ''].join('\n');
}

/** The reviewer refuses SK-2 until its second line is there; the coder of SK-3 needs what it depends on in its tree. */
const agents: Readonly<Record<string, string>> = {
  code: `case $OPUS_FR_ID in SK-3) test -s SK-1.txt;; esac
echo "round $OPUS_ROUND" >> $OPUS_FR_ID.txt
printf '{"summary":"round %s"}' "$OPUS_ROUND" > "$OPUS_RESULT_FILE"`,
  review: `wanted=1; case $OPUS_FR_ID in SK-2) wanted=2;; esac
if [ "$(wc -l < $OPUS_FR_ID.txt)" -ge $wanted ]; then
  printf '{"verdict":"pass","confidence":90,"summary":"enough","issues":[]}' > "$OPUS_RESULT_FILE"
else
  printf '{"verdict":"fail","confidence":90,"summary":"one line","issues":[{"severity":"major","message":"one more line"}]}' > "$OPUS_RESULT_FILE"
fi`,
};

const onGithub = ({ github, repository: { owner, name } }: Hosting): string =>
  `{ repo: ${owner}/${name}, token: "file:./token", api: "${github.apiUrl}" }`;

const configuration = (hosting: Hosting | null): string => `vault: { path: ./vault }
repos:
  app: { url: ./app.git, base: main, forge: local, test: test -s README }
  web: ${
    hosting === null
      ? '{ url: ./web.git, base: main, forge: local, test: test -s README }'
      : `{ url: "${hosting.github.cloneUrl(hosting.repository)}", base: main, forge: github, github: ${onGithub(hosting)}, test: test -s README }`
  }
polling: { active: 100ms, idle: 100ms }
data: ./data
server: { port: 0 }
trust: auto
concurrency: 3
retry: { attempts: 3, base: 1ms, factor: 2, max: 5ms }
`;

function host(github: GitHub): Hosting {
  const repository = github.createRepository({
    owner: 'acme',
    name: 'web',
    files: { README: 'counted\n' },
    roles: { opus: 'write', [asker]: 'write' },
  });
  const pull = (id: string): Pull | null =>
    github.state.pulls(repository).find(({ headRef }) => headRef.startsWith(`opus/${id}-1-`)) ?? null;
  return { github, repository, pull };
}

/**
 * A vault, two repositories and two shell agents in a folder, small enough for six jobs in some seconds. The second
 * repository is on the GitHub, where one is given.
 */
export function makeServiceLab(folder: string, github: GitHub | null = null): ServiceLab {
  const hosting = github === null ? null : host(github);
  const write = (path: string, text: string): void => {
    mkdirSync(join(folder, path, '..'), { recursive: true });
    writeFileSync(join(folder, path), text);
  };
  const pathOf = (id: string): string => join(folder, 'vault/10_features', `${id}.md`);
  const note = (id: string): string => readFileSync(pathOf(id), 'utf8');
  for (const request of labRequests)
    if (!request.isLate) write(`vault/10_features/${request.id}.md`, noteText(request));
  write('vault/00_system/opus/config.md', '---\nbacklog: dispatch\nstages: [code, test, review]\n---\n');
  for (const [stage, script] of Object.entries(agents)) {
    write(`agents/${stage}.sh`, `set -e\n${script}\n`);
    const command = `["/bin/sh", "{{config_dir}}/agents/${stage}.sh"]`;
    write(
      `vault/00_system/opus/agents/${stage}.md`,
      `---\nstage: ${stage}\ndriver: command\ncommand: ${command}\n---\n{{ fr.title }}\n`,
    );
  }
  write('source/README', 'counted\n');
  const source = join(folder, 'source');
  runGit('init', '-q', '-b', 'main', source);
  runGit('-C', source, 'add', '-A');
  runGit('-C', source, 'commit', '-qm', 'First');
  for (const repository of hosting === null ? ['app', 'web'] : ['app'])
    runGit('clone', '-q', '--bare', source, join(folder, `${repository}.git`));
  if (hosting !== null) write('token', hosting.github.token('opus'));
  write('opus.yml', configuration(hosting));
  const data = join(folder, 'data');

  /** As an editor saves: the whole file, put in place of what it was. */
  function save(id: string, text: string): void {
    const beside = join(folder, `${id}.edited`);
    writeFileSync(beside, text);
    renameSync(beside, pathOf(id));
  }

  function approve({ id, approvedBy }: LabRequest, hash: string): void {
    if (approvedBy === 'note') {
      const text = note(id);
      if (!text.includes(`approve ${hash}`)) save(id, text.replace(/^decision:.*$/m, `decision: "approve ${hash}"`));
    } else if (approvedBy === 'call') {
      // Killed in the middle of it the service answers nothing; the gate is asked again as long as the note shows it.
      const asked = connectToService(data)?.call('approval.decide', {
        job: id,
        kind: 'approve',
        comment: '',
        person: 'ada',
      });
      asked?.catch(() => undefined);
    }
  }

  function ask({ github, pull }: Hosting): void {
    const found = pull(askedInPullRequest);
    if (found?.comments.length === 0) github.as(asker).comment(found, '@orchestrator explain');
  }

  const isAnswered = ({ pull }: Hosting): boolean =>
    pull(askedInPullRequest)?.comments.some(({ author }) => author === 'opus') === true;

  const seenGates = new Map<string, number>();
  return {
    hosting,
    folder,
    config: join(folder, 'opus.yml'),
    vault: join(folder, 'vault'),
    data,
    note,
    git: (repository, ...parameters) =>
      hosting !== null && repository === 'web'
        ? hosting.repository.bare.git(...parameters)
        : runGit('--git-dir', join(folder, `${repository}.git`), ...parameters),
    attend() {
      if (hosting !== null) ask(hosting);
      const isBegun = labRequests.some(
        (request) => !request.isLate && /^run_state: (?!queued)\w/m.test(note(request.id)),
      );
      for (const request of labRequests) {
        const { id, isLate } = request;
        if (isLate && !isWritten(id)) {
          if (isBegun) save(id, noteText(request));
          continue;
        }
        const hash = gateOf(note(id));
        if (hash === null) continue;
        // Asked once in a while, not with each look.
        const asked = seenGates.get(id) ?? 0;
        seenGates.set(id, asked + 1);
        if (asked % 10 === 0) approve(request, hash);
      }
    },
    unsettled: () =>
      labRequests.flatMap(({ id, approvedBy }) => {
        const text = isWritten(id) ? note(id) : '';
        const isRight = approvedBy === null ? gateOf(text) !== null : /^status: done$/m.test(text);
        const isSettled = isRight && (hosting === null || id !== askedInPullRequest || isAnswered(hosting));
        if (isSettled) return [];
        return [`${id}: ${(text.match(/^(?:status|run_state|gate|run_note): .*$/gm) ?? ['not written']).join(', ')}`];
      }),
  };

  function isWritten(id: string): boolean {
    try {
      note(id);
      return true;
    } catch {
      return false;
    }
  }
}

function gateOf(text: string): string | null {
  return /^gate: "?merge@([0-9a-f]+)"?$/m.exec(text)?.[1] ?? null;
}

function runGit(...parameters: string[]): string {
  return execFileSync('git', ['-c', 'user.name=Test', '-c', 'user.email=test@localhost', ...parameters], {
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'pipe'],
  });
}
