import { mkdirSync, mkdtempSync, readFileSync, realpathSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { onTestFinished } from 'vitest';
import { composeParts, type Releases, type RunnerOverrides, type RunnerParts } from '../../runner/compose-parts.ts';
import { releaseAll } from '../../runner/compose.ts';
import { loadConfig } from '../../runner/config/load.ts';
import type { Attempt, Job, RegistryEvent } from '../../runner/core/ports/job-registry.ts';
import type { Application } from '../../runner/engine/application.ts';
import { createApplication } from '../../runner/engine/create-application.ts';
import { createFollower, type Follower } from '../../runner/engine/pull-requests/follower.ts';
import type { Pull, Repository } from './github/records.ts';
import { startGitHub, type GitHub } from './github/start-github.ts';

export interface MergeLabOptions {
  /** Coding alone, where nothing else is said. */
  readonly stages?: readonly string[];
  /** Lines of the policy. */
  readonly policy?: readonly string[];
  readonly forge?: RunnerOverrides['forge'];
  /** Lines of opus.yml. */
  readonly config?: readonly string[];
}

/** A vault, cheap shell agents and a runner of which each look is asked for, over a repository on a GitHub of this process. */
export interface MergeLab {
  readonly github: GitHub;
  readonly repository: Repository;
  readonly token: string;
  readonly folder: string;
  readonly application: Application;
  readonly dependencies: RunnerParts['dependencies'];
  readonly follower: Follower;
  note(id: string, properties?: Readonly<Record<string, string>>): void;
  edit(id: string, change: (text: string) => string): void;
  /** A property of a note; empty when it has none. */
  property(id: string, key: string): string;
  report(id: string): string;
  /** A new job, taken to where it rests. */
  dispatch(id: string): Promise<Job>;
  /** A look at the pull requests, and what follows for the jobs; the newest job of the request. */
  look(id: string): Promise<Job>;
  /** Lets a job go on to where it rests, also one that is held. */
  goOn(id: string): Promise<Job>;
  approve(id: string, person?: string): Promise<Job>;
  job(id: string): Job;
  attempts(id: string): Attempt[];
  /** `stage.round status` of each attempt. */
  story(id: string): string[];
  events(id: string, type: string): RegistryEvent[];
  pull(id: string): Pull;
  /** What time it is there and here goes on by so much. */
  pass(milliseconds: number): void;
  policy(lines: readonly string[]): Promise<void>;
  useToken(token: string): void;
  /** The runner ends and another takes over. */
  restart(): Promise<void>;
}

const agents = {
  code: `if grep -q '<<<<<<<' *.txt 2> /dev/null; then sed -i '/^[<=>]\\{7\\}/d' *.txt; fi
echo "$OPUS_JOB_ID $OPUS_ROUND" >> "$OPUS_FR_ID.txt"
case $(cat "$OPUS_PROMPT_FILE") in *shared*) echo "$OPUS_JOB_ID" >> shared.txt;; esac
case $(cat "$OPUS_PROMPT_FILE") in *breaks*) [ "$OPUS_ROUND" != 0 ] || echo broken > fragile;; esac
printf '{"summary":"round %s"}' "$OPUS_ROUND" > "$OPUS_RESULT_FILE"`,
  review: `printf '{"verdict":"pass","confidence":95,"summary":"good","issues":[]}' > "$OPUS_RESULT_FILE"`,
} as const;

export async function makeMergeLab(options: MergeLabOptions = {}): Promise<MergeLab> {
  const folder = realpathSync(mkdtempSync(join(tmpdir(), 'merging-')));
  let shift = 0;
  const now = (): number => Date.now() + shift;
  const github = await startGitHub({ now });
  const repository = github.createRepository({
    owner: 'acme',
    name: 'app',
    files: { 'README.md': 'app\n', 'shared.txt': 'shared\n', 'check.sh': 'test ! -e broken\n' },
    roles: { opus: 'write', alice: 'write', ben: 'write', carol: 'read' },
  });
  const token = github.token('opus');
  const write = (path: string, text: string): void => {
    mkdirSync(dirname(join(folder, path)), { recursive: true });
    writeFileSync(join(folder, path), text);
  };
  const writePolicy = (lines: readonly string[]): void => {
    write(
      'vault/00_system/opus/config.md',
      `---\n${['backlog: dispatch', `stages: [${(options.stages ?? ['code']).join(', ')}]`, ...lines].join('\n')}\n---\n`,
    );
  };
  const notePath = (id: string): string => `vault/10_features/${id}.md`;
  const noteText = (id: string): string => readFileSync(join(folder, notePath(id)), 'utf8');
  mkdirSync(join(folder, 'vault/10_features'), { recursive: true });
  writePolicy(options.policy ?? []);
  for (const [stage, script] of Object.entries(agents)) {
    write(`agents/${stage}.sh`, `set -e\n${script}\n`);
    const command = `["/bin/sh", "{{config_dir}}/agents/${stage}.sh"]`;
    write(
      `vault/00_system/opus/agents/${stage}r.md`,
      `---\nstage: ${stage}\ndriver: command\ncommand: ${command}\n---\n{{ fr.title }}\n`,
    );
  }
  write('token', token);
  write(
    'opus.yml',
    [
      'vault: { path: ./vault }',
      'repos:',
      `  app: { url: "${github.cloneUrl(repository)}", base: main, test: sh check.sh, forge: github, github: { repo: acme/app, token: "file:./token", api: "${github.apiUrl}" } }`,
      'data: ./data',
      'trust: auto',
      'retry: { attempts: 3, base: 1ms, factor: 2, max: 5ms }',
      ...(options.config ?? []),
      '',
    ].join('\n'),
  );
  let parts: RunnerParts;
  let application: Application;
  let follower: Follower;
  let releases: Releases = [];

  async function start(): Promise<void> {
    releases = [];
    parts = await composeParts(
      loadConfig(join(folder, 'opus.yml')),
      { clock: { now }, forge: options.forge ?? {} },
      releases,
      (job, error) => {
        application.giveUp(job, error);
      },
    );
    application = createApplication(parts.runtime);
    follower = createFollower({ dependencies: parts.dependencies, changed: () => Promise.resolve() });
    await application.recover();
  }
  await start();
  onTestFinished(async () => {
    await releaseAll(releases);
    rmSync(folder, { recursive: true, force: true });
    await github.stop();
  });
  const work = (job: Job): Promise<Job> =>
    application.work(job.id, { approve: null, signal: new AbortController().signal });

  const lab: MergeLab = {
    github,
    repository,
    token,
    folder,
    get application() {
      return application;
    },
    get dependencies() {
      return parts.dependencies;
    },
    get follower() {
      return follower;
    },
    note(id, properties = {}) {
      const lines = Object.entries({ id, title: `Count ${id}`, status: 'planned', decision: '""', ...properties });
      write(
        notePath(id),
        `---\n${lines.map(([key, value]) => `${key}: ${value}`).join('\n')}\n---\nThe body of ${id}.\n`,
      );
    },
    edit(id, change) {
      write(notePath(id), change(noteText(id)));
    },
    property(id, key) {
      const value = new RegExp(`^${key}: (.*)$`, 'm').exec(noteText(id))?.[1] ?? '';
      return value.startsWith('"') ? (JSON.parse(value) as string) : value;
    },
    report: (id) => readFileSync(join(folder, `vault/20_runs/${lab.job(id).id}.md`), 'utf8'),
    async dispatch(id) {
      return await work(await application.dispatch(id, { again: false }));
    },
    async look(id) {
      await follower.look();
      return await work(lab.job(id));
    },
    async goOn(id) {
      if (lab.job(id).waitingFor === 'human')
        await application.retry(lab.job(id).id, { from: null, rounds: null, comment: '' });
      else await application.unblock(lab.job(id).id);
      return await work(lab.job(id));
    },
    async approve(id, person = 'ada') {
      return await work(await application.decide(lab.job(id).id, 'approve', '', { person, channel: 'cli' }));
    },
    job: (id) => application.job(id),
    attempts: (id) => application.attempts(lab.job(id).id),
    story: (id) => lab.attempts(id).map(({ stage, round, status }) => `${stage}.${round} ${status}`),
    events: (id, type) =>
      parts.dependencies.registry
        .events({ afterSeq: 0, limit: 10_000, jobId: lab.job(id).id })
        .filter((event) => event.type === type),
    pull(id) {
      const number = lab.job(id).pullRequest?.number;
      const found = github.state.pulls(repository).find((pull) => pull.number === number);
      if (found === undefined) throw new Error(`${id} has no pull request.`);
      return found;
    },
    pass(milliseconds) {
      shift += milliseconds;
    },
    async policy(lines) {
      writePolicy(lines);
      await parts.trust.confirm('all');
    },
    useToken(value) {
      write('token', value);
    },
    async restart() {
      await releaseAll(releases);
      await start();
    },
  };
  return lab;
}
