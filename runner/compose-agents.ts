import { existsSync } from 'node:fs';
import { homedir } from 'node:os';
import { isAbsolute, join } from 'node:path';
import { toOpusError } from '#shared/domain/errors.ts';
import { agentStages, type AgentStage } from '#shared/domain/stage.ts';
import { versionOf } from './adapters/agents/installed-cli.ts';
import { openEndpoint } from './adapters/gateway/endpoints.ts';
import { createBubblewrapSandbox } from './adapters/sandbox/bubblewrap.ts';
import { findProgram } from './adapters/sandbox/program-lookup.ts';
import { parseAgentNote } from './adapters/vault/agent-note.ts';
import { chooseSandbox } from './compose-sandbox.ts';
import { resolveSecret } from './config/secrets.ts';
import { agentKinds, isOlder, kindOf, programOf, usualEndpoints, type AgentKind } from './core/agent-kinds.ts';
import { endpointsOf } from './core/agents.ts';
import type { RunnerConfig } from './core/configuration.ts';
import type { AgentProfile } from './core/ports/agent.ts';
import { defaultSandboxLimits } from './core/ports/sandbox.ts';
import { hiddenPaths } from './engine/stages/hidden-paths.ts';
import type { NoteChange } from './engine/trust.ts';

/** An agent note with what it needs here, or a known CLI that no note is about. */
export interface AgentFinding {
  readonly name: string;
  /** A known CLI's name, else the driver; null for a note that cannot be read. */
  readonly kind: string | null;
  /** Relative to the vault. */
  readonly note: string | null;
  readonly stages: readonly AgentStage[];
  /** Works only for requests that name it. */
  readonly onlyNamed: boolean;
  readonly state: NoteChange['state'] | null;
  /** Null when it is not there, and for the built-in agent, which needs no program. */
  readonly installed: { readonly path: string; readonly version: string | null } | null;
  /** Null where nobody but the agent itself knows. */
  readonly signedIn: boolean | null;
  /** With what it is signed in, or why it is not. */
  readonly how: string;
  /** What keeps it from working here; null when nothing is known to. */
  readonly problem: AgentProblem | null;
  /** Older than what was seen to work: that version. */
  readonly olderThan: string | null;
  readonly profile: AgentProfile | null;
}

export interface AgentProblem {
  readonly what: 'note' | 'program' | 'sign-in';
  readonly message: string;
  readonly hint: string;
}

export interface Survey {
  /** Null where there is none: then only the CLIs are looked for. */
  readonly config: RunnerConfig | null;
  readonly notes: readonly NoteChange[];
  readonly environment: Readonly<Record<string, string | undefined>>;
  readonly signal: AbortSignal;
  readonly versionTimeoutMs?: number;
}

type Versions = ReadonlyMap<string, string | null>;

/** Looks at the agent notes on disk and at the known CLIs; asks each CLI that is here for its version, all at once. */
export async function surveyAgents(survey: Survey): Promise<AgentFinding[]> {
  const notes = survey.notes.flatMap((note) =>
    note.kind === 'agent' && note.after !== null ? [{ ...note, text: note.after }] : [],
  );
  const parsed = notes.map((note) => ({ note, read: parseAgentNote(note.path, note.text) }));
  const known = parsed.flatMap(({ read }) => (read.kind === 'agent' ? [kindOf(read.profile)?.name] : []));
  const unused = agentKinds.filter(({ name }) => !known.includes(name));
  const places = [
    ...parsed.flatMap(({ read }) => (read.kind === 'agent' && kindOf(read.profile) ? [read.profile] : [])),
    ...unused.map(({ program }) => ({ driver: 'acp' as const, command: [program] })),
  ].flatMap((started) => placeOf(survey, started) ?? []);
  const versions = await versionsOf(survey, [...new Set(places)]);
  const found = parsed.map(({ note, read }) =>
    read.kind === 'agent' ? noteFinding(survey, note, read.profile, versions) : brokenFinding(note, read.problems),
  );
  return [...found.sort(inOrder), ...unused.map((kind) => kindFinding(survey, kind, versions))];
}

/** As a request meets them: by stage, then by kind, then by name. */
function inOrder(left: AgentFinding, right: AgentFinding): number {
  const stage = ({ stages: [first] }: AgentFinding): number => (first === undefined ? -1 : agentStages.indexOf(first));
  const kind = (finding: AgentFinding): number => {
    const at = agentKinds.findIndex(({ name }) => name === finding.kind);
    return at === -1 ? agentKinds.length : at;
  };
  return (
    Number(left.onlyNamed) - Number(right.onlyNamed) ||
    stage(left) - stage(right) ||
    kind(left) - kind(right) ||
    left.name.localeCompare(right.name)
  );
}

async function versionsOf({ config, signal, versionTimeoutMs }: Survey, paths: readonly string[]): Promise<Versions> {
  if (paths.length === 0) return new Map();
  const { sandbox } = await chooseSandbox(config ?? { sandbox: 'preferred' }, createBubblewrapSandbox());
  const asked = {
    ...{ sandbox, signal, hidden: config === null ? [] : hiddenPaths(config) },
    limits: config?.limits.sandbox ?? defaultSandboxLimits,
    timeoutMs: versionTimeoutMs ?? 10_000,
  };
  return new Map(await Promise.all(paths.map(async (path) => [path, await versionOf({ ...asked, path })] as const)));
}

function noteFinding(survey: Survey, note: NoteChange, profile: AgentProfile, versions: Versions): AgentFinding {
  const kind = kindOf(profile);
  const path = placeOf(survey, profile);
  const version = path === null ? null : (versions.get(path) ?? null);
  const signIn = signInOf(survey, profile);
  return {
    ...{ name: profile.name, kind: kind?.name ?? profile.driver, note: note.path, stages: profile.stages },
    ...{ onlyNamed: profile.onlyNamed === true, state: note.state },
    installed: path === null ? null : { path, version },
    ...{ signedIn: signIn.signedIn, how: signIn.how },
    problem:
      absence(survey, profile, path) ??
      (signIn.signedIn === false ? { what: 'sign-in', message: signIn.message, hint: signIn.hint } : null),
    olderThan: olderThan(kind, version),
    profile,
  };
}

function brokenFinding(note: NoteChange, problems: NoteChange['problems']): AgentFinding {
  const [first = { line: 1, message: 'It cannot be read.', hint: '' }] = problems;
  const message = `${note.path}:${first.line}: ${first.message}`;
  const name = (note.path.split('/').at(-1) ?? note.path).replace(/\.md$/i, '');
  return {
    ...{ name, kind: null, note: note.path, stages: [], onlyNamed: false, state: note.state, installed: null },
    ...{
      signedIn: null,
      how: '',
      problem: { what: 'note', message, hint: first.hint },
      olderThan: null,
      profile: null,
    },
  };
}

function kindFinding(survey: Survey, kind: AgentKind, versions: Versions): AgentFinding {
  const path = placeOf(survey, { driver: 'acp', command: [kind.program] });
  const version = path === null ? null : (versions.get(path) ?? null);
  return {
    ...{ name: kind.name, kind: kind.name, note: null, stages: [], onlyNamed: false, state: null },
    installed: path === null ? null : { path, version },
    ...{ signedIn: null, how: 'no note names it', problem: null, olderThan: olderThan(kind, version), profile: null },
  };
}

function olderThan(kind: AgentKind | null, version: string | null): string | null {
  const pinned = kind?.workedWith ?? null;
  return pinned !== null && version !== null && isOlder(version, pinned) ? pinned : null;
}

function placeOf({ config, environment }: Survey, started: Pick<AgentProfile, 'driver' | 'command'>): string | null {
  const program = programOf(started)?.replaceAll('{{config_dir}}', config?.folder ?? '') ?? '';
  if (program === '' || program.includes('{{')) return null;
  if (isAbsolute(program)) return existsSync(program) ? program : null;
  // A path that is relative is one in the worktree, which nobody has yet.
  return program.includes('/') ? null : findProgram(program, environment['PATH'] ?? '');
}

/** A program that is not here, or a file that its command names by an absolute path. */
function absence({ config }: Survey, profile: AgentProfile, path: string | null): AgentProblem | null {
  const { driver, path: note } = profile;
  const program = programOf(profile);
  const hint = (other: string): string => {
    const install = kindOf(profile)?.install;
    return install === undefined ? `Install it, or name another ${other} in ${note}.` : install;
  };
  if (driver !== 'acp' && driver !== 'command') {
    if (program === null || path !== null) return null;
    return { what: 'program', message: `The program ${program} is not on PATH.`, hint: hint('driver') };
  }
  const words = profile.command.map((word) => word.replaceAll('{{config_dir}}', config?.folder ?? ''));
  const gone = words.find((word) => isAbsolute(word) && !word.includes('{{') && !existsSync(word));
  if (gone !== undefined) return { what: 'program', message: `${gone} does not exist.`, hint: hint('command') };
  if (path !== null || program === null || /[/{]/.test(program)) return null;
  return { what: 'program', message: `The program ${program} is not on PATH.`, hint: hint('command') };
}

interface SignIn {
  readonly signedIn: boolean | null;
  /** A few words, for a table. */
  readonly how: string;
  readonly message: string;
  readonly hint: string;
}

const ownAffair: SignIn = { signedIn: null, how: 'its own affair', message: '', hint: '' };

function signInOf({ config, environment }: Survey, profile: AgentProfile): SignIn {
  const { driver, model, path, credentials = [] } = profile;
  if (credentials.length > 0 && profile.endpoints.length === 0) return ownSignIn(config, environment, profile);
  const models = typeof model === 'object' && model !== null ? Object.values(model) : [model ?? ''];
  const endpoints = [...new Set(models.flatMap((name) => endpointsOf(profile, name)))];
  if (driver === 'command' || (driver === 'acp' && endpoints.length === 0)) return ownAffair;
  const absent = endpoints.find((name) => !Object.hasOwn(config?.models ?? {}, name));
  if (absent !== undefined) {
    const message = `${path} needs models.${absent} in opus.yml.`;
    return { signedIn: false, how: `no models.${absent}`, message, hint: modelHint(absent) };
  }
  if (endpoints.length === 0) {
    const message = `${path} names no model as ENDPOINT/MODEL.`;
    return { signedIn: false, how: 'no model', message, hint: modelHint('anthropic') };
  }
  const signIns = endpoints.map((name) => endpointSignIn(name, config?.models ?? {}, environment));
  const missing = signIns.find(({ signedIn }) => signedIn === false);
  return missing ?? { signedIn: true, how: signIns.map(({ how }) => how).join(', '), message: '', hint: '' };
}

/** By files of the agent's own, of which each run has a copy. */
function ownSignIn(config: RunnerConfig | null, environment: Survey['environment'], profile: AgentProfile): SignIn {
  const { path, credentials = [] } = profile;
  const home = environment['HOME'] ?? homedir();
  const files = credentials.map(({ file }) => file);
  if (config?.limits.credentials === false) {
    const message = `limits.credentials in opus.yml does not allow the login that ${path} names.`;
    const hint = 'Name the model under "models" in opus.yml, and take "credentials" out of the note.';
    return { signedIn: false, how: 'login not allowed', message, hint };
  }
  const gone = files.find((file) => !existsSync(file.startsWith('~/') ? join(home, file.slice(2)) : file));
  if (gone === undefined) return { signedIn: true, how: `login ${files.join(', ')}`, message: '', hint: '' };
  const login = kindOf(profile)?.login ?? `Sign in with its own program, or mend "credentials" in ${path}.`;
  return {
    signedIn: false,
    how: `no ${gone}`,
    message: `${gone} is not there; ${path} names it as the login.`,
    hint: login,
  };
}

function endpointSignIn(name: string, models: RunnerConfig['models'], environment: Survey['environment']): SignIn {
  const key = models[name]?.key ?? null;
  const where = key === null ? name : key.kind === 'env' ? key.name : tilde(key.path);
  try {
    const { secret, isSubscription } = openEndpoint(name, models, (reference, use) =>
      resolveSecret(reference, use, environment),
    );
    const kind = secret === null ? 'without a key:' : isSubscription ? 'subscription' : 'key';
    return { signedIn: true, how: `${kind} ${where}`, message: '', hint: '' };
  } catch (thrown) {
    const { message, hint } = toOpusError(thrown);
    const how = `no ${key === null ? 'key' : where}`;
    if (key?.kind !== 'env' || (environment[key.name] ?? '').trim() !== '') {
      return { signedIn: false, how, message, hint: hint ?? '' };
    }
    const token = name === 'anthropic' ? ', a key or the token that "claude setup-token" prints' : '';
    return {
      ...{ signedIn: false, how, message: `${key.name} is not set; it is the key for models.${name}.` },
      hint: `Where opus is started: export ${key.name}=…${token}`,
    };
  }
}

function modelHint(endpoint: string): string {
  const entry = usualEndpoints[endpoint]?.entry ?? '{ key: env:NAME, url: https://… }';
  return `models: { ${endpoint}: ${entry} }`;
}

function tilde(path: string): string {
  const home = homedir();
  return path.startsWith(join(home, '/')) ? `~${path.slice(home.length)}` : path;
}
