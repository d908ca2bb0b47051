import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { featureRequestId, makeOrigin } from './job-lab.ts';

/** A vault, an origin and shell agents for a service of its own, whose policy starts every planned note. */
export interface ServiceLab {
  readonly folder: string;
  readonly data: string;
  readonly configFile: string;
  write(path: string, text: string): void;
  /** Saves a note as an editor does that a person types in; returns when it was saved, in milliseconds since the epoch. */
  save(number: number, note: NoteWords): number;
  note(number: number): string;
  remove(): void;
}

export interface NoteWords {
  readonly status: string;
  readonly title?: string;
  readonly agent?: string;
}

export interface ServiceLabOptions {
  readonly concurrency?: number;
  /** Further top-level keys of opus.yml. */
  readonly yml?: string;
  /** Body of the script that is every agent; OPUS_STAGE tells which. */
  readonly script: string;
  /** Names of further agents for plan, code and review that a note may ask for, and how many of their jobs run at once. */
  readonly agents?: Readonly<Record<string, number>>;
}

/** What an agent writes that has nothing to say. */
export const sayNothing = `case "$OPUS_STAGE" in
  plan) echo '{"summary":"One line more","steps":[{"title":"Add the line"}]}' > "$OPUS_RESULT_FILE" ;;
  code) echo "$OPUS_JOB_ID $OPUS_ROUND" >> notes.txt; echo '{"summary":"Added the line"}' > "$OPUS_RESULT_FILE" ;;
  *) echo '{"verdict":"pass","confidence":95,"summary":"Fine","issues":[]}' > "$OPUS_RESULT_FILE" ;;
esac
`;

/** Each agent's first act is to say when it began. The slow one never ends. */
export const sayWhen = `echo "began at $(date +%s.%N)"
[ -e "$here/hang-$OPUS_STAGE" ] && sleep 1200
${sayNothing}`;

function agentNote(stages: string, concurrency: number | null): string {
  return `---
stage: ${stages}
driver: command
command: [/bin/sh, "{{config_dir}}/agent/agent.sh"]
timeout: 20m
${concurrency === null ? '' : `concurrency: ${concurrency}\n`}---

{{ fr.id }}: {{ fr.title }}

{{ fr.body }}

{{ result_schema }}
`;
}

export function notePath(number: number): string {
  return `vault/10_features/03_planned/${featureRequestId(number)}.md`;
}

export function noteText(number: number, { status, title, agent }: NoteWords): string {
  return `---
id: ${featureRequestId(number)}
title: "${title ?? `Add line ${number}`}"
status: ${status}
priority: P2
${agent === undefined ? '' : `agent: ${agent}\n`}tags:
  - fr
---

Add one line to notes.txt.
`;
}

export function makeServiceLab(options: ServiceLabOptions): ServiceLab {
  const folder = mkdtempSync(join(tmpdir(), 'opus-bench-service-'));
  const write = (path: string, text: string): void => {
    mkdirSync(dirname(join(folder, path)), { recursive: true });
    writeFileSync(join(folder, path), text);
  };
  write(
    'opus.yml',
    `vault: { path: ./vault }
repos:
  app: { url: ./repos/app.git, base: main, forge: local, test: "true" }
data: ./.opus
server: { port: 0 }
trust: auto
concurrency: ${options.concurrency ?? 3}
${options.yml ?? ''}`,
  );
  write('agent/agent.sh', `#!/bin/sh\nhere="\${0%/*}"\n${options.script}`);
  write('vault/00_system/opus/config.md', '---\nbacklog: dispatch\n---\n');
  for (const stage of ['plan', 'code', 'review']) {
    write(`vault/00_system/opus/agents/${stage}.md`, agentNote(stage, null));
  }
  for (const [name, concurrency] of Object.entries(options.agents ?? {})) {
    write(`vault/00_system/opus/agents/${name}.md`, agentNote('[plan, code, review]', concurrency));
  }
  mkdirSync(join(folder, dirname(notePath(1))), { recursive: true });
  makeOrigin(folder);
  return {
    folder,
    data: join(folder, '.opus'),
    configFile: join(folder, 'opus.yml'),
    write,
    save(number, words) {
      writeFileSync(join(folder, notePath(number)), noteText(number, words));
      return Date.now();
    },
    note: (number) => readFileSync(join(folder, notePath(number)), 'utf8'),
    remove: () => {
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

/** Requests that nobody wants yet, of up to 2.7 kB. */
export function idleNotes(lab: ServiceLab, count: number): void {
  for (let number = 1; number <= count; number += 1) {
    const sentence = `The list shows entry ${number} once, the newest first, and says so. `;
    lab.write(notePath(number), `${noteText(number, { status: 'idea' })}\n${sentence.repeat(number % 40)}\n`);
  }
}
