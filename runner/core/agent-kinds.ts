import type { AgentProfile } from './ports/agent.ts';

/** The CLI of a coding agent that there is a ready note for. */
export interface AgentKind {
  readonly name: string;
  /** As it is found on PATH. */
  readonly program: string;
  /** The version that was seen to work here; null where none could be tried. */
  readonly workedWith: string | null;
  /** The command, or the page, that installs it. */
  readonly install: string;
  /** The command that signs a person in, for notes that name the file it leaves. */
  readonly login: string;
}

export const agentKinds: readonly AgentKind[] = [
  {
    ...{ name: 'claude', program: 'claude', workedWith: '2.1.329' },
    install: 'npm install --global @anthropic-ai/claude-code',
    login: 'claude',
  },
  {
    ...{ name: 'codex', program: 'codex', workedWith: '0.169.0' },
    install: 'npm install --global @openai/codex',
    login: 'codex login',
  },
  {
    ...{ name: 'opencode', program: 'opencode', workedWith: '1.18.33' },
    install: 'npm install --global opencode-ai',
    login: 'opencode auth login',
  },
  {
    ...{ name: 'gemini', program: 'gemini', workedWith: '0.61.0' },
    install: 'npm install --global @google/gemini-cli',
    login: 'gemini',
  },
  {
    ...{ name: 'qwen', program: 'qwen', workedWith: '0.24.4' },
    install: 'npm install --global @qwen-code/qwen-code',
    login: 'qwen',
  },
  {
    ...{ name: 'kimi', program: 'kimi', workedWith: null },
    install: 'https://www.kimi.com/code says how.',
    login: 'kimi login',
  },
  {
    ...{ name: 'cursor', program: 'cursor-agent', workedWith: null },
    install: 'https://cursor.com/docs/cli says how.',
    login: 'cursor-agent login',
  },
  {
    ...{ name: 'augment', program: 'auggie', workedWith: null },
    install: 'npm install --global @augmentcode/auggie',
    login: 'auggie login',
  },
];

type Started = Pick<AgentProfile, 'driver' | 'command'>;

/** What a note's agent is started with, as it is written there; null for one that needs no program. */
export function programOf({ driver, command }: Started): string | null {
  if (driver === 'llm') return null;
  if (driver !== 'acp' && driver !== 'command') return driver;
  const [first = '', ...rest] = command;
  if (first !== 'env') return first;
  return rest.find((word) => !/^[A-Za-z_]\w*=/.test(word)) ?? first;
}

/** The known CLI that a note's agent is; null for any other. */
export function kindOf(started: Started): AgentKind | null {
  const program = programOf(started)?.split('/').at(-1);
  return agentKinds.find((kind) => kind.program === program) ?? null;
}

/** The version in what a CLI prints when it is asked for it. */
export function versionIn(text: string): string | null {
  return /\d+\.\d+\.\d+(?:-[\w.]+)?/.exec(text)?.[0] ?? null;
}

export function isOlder(version: string, than: string): boolean {
  const parts = (text: string): number[] => text.split(/[.-]/).slice(0, 3).map(Number);
  const [ours, theirs] = [parts(version), parts(than)];
  const at = ours.findIndex((part, index) => part !== theirs[index]);
  return at !== -1 && (ours[at] ?? 0) < (theirs[at] ?? 0);
}

/** What `models` in opus.yml says of an endpoint that a ready note asks, for those who have nothing else there. */
export const usualEndpoints: Readonly<Record<string, { readonly entry: string; readonly variable: string }>> = {
  anthropic: { entry: '{ key: env:ANTHROPIC_API_KEY }', variable: 'ANTHROPIC_API_KEY' },
  openai: { entry: '{ key: env:OPENAI_API_KEY }', variable: 'OPENAI_API_KEY' },
  google: { entry: '{ key: env:GEMINI_API_KEY }', variable: 'GEMINI_API_KEY' },
  qwen: {
    entry: '{ key: env:DASHSCOPE_API_KEY, url: https://dashscope-intl.aliyuncs.com/compatible-mode/v1 }',
    variable: 'DASHSCOPE_API_KEY',
  },
  kimi: { entry: '{ key: env:MOONSHOT_API_KEY, url: https://api.moonshot.ai/v1 }', variable: 'MOONSHOT_API_KEY' },
};
