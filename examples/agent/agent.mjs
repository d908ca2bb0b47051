#!/usr/bin/env node
// demo agent: replays prepared edits, no model is called
import { cpSync, existsSync, readFileSync, readdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { findings, prepared } from './replay.mjs';

const edits = join(dirname(fileURLToPath(import.meta.url)), 'edits');
const { OPUS_STAGE: stage, OPUS_FR_ID: id, OPUS_ROUND: round = '0', OPUS_RESULT_FILE: resultFile } = process.env;
const promptFile = process.argv[2] ?? process.env.OPUS_PROMPT_FILE;
const worktree = process.cwd();

function stop(message) {
  console.error(`demo agent: ${message}`);
  process.exit(1);
}

/** The text under a second-level heading of the prompt; empty when there is none. */
function section(heading) {
  const after = prompt.split(`\n## ${heading}\n`)[1] ?? '';
  return after.split(/\n## /)[0].trim();
}

function plan() {
  for (const [at, step] of work.plan.steps.entries()) console.log(`step ${at + 1}: ${step.title}`);
  return work.plan;
}

function code() {
  const issues = section('Open review issues');
  const comment = section("A person's comment");
  console.log(issues === '' ? 'no open review issue in the prompt' : `open review issues:\n${issues}`);
  const done = [];
  let edit = work.edits.findLast(({ answers }) => answers?.test(issues));
  if (!edit && comment === '') edit = work.edits[0];
  if (edit) {
    const from = join(edits, edit.folder);
    cpSync(from, worktree, { recursive: true });
    for (const entry of readdirSync(from, { recursive: true })) if (/\.\w+$/.test(entry)) done.push(entry);
    console.log(`replaying ${edit.folder}: ${done.join(', ')}`);
  }
  if (comment !== '') {
    const readme = join(worktree, 'README.md');
    const line = `- Asked for in review: ${comment.replaceAll(/\s+/g, ' ')}`;
    const text = readFileSync(readme, 'utf8');
    if (!text.includes(line)) writeFileSync(readme, `${text.trimEnd()}\n\n${line}\n`);
    done.push('README.md');
    console.log('a comment cannot be prepared for: noting it in README.md');
  }
  return { summary: edit?.summary ?? 'Noted the comment in README.md.', done };
}

async function review() {
  const changed = [...section('Diff').matchAll(/^\+\+\+ b\/(.+)$/gm)].map(([, file]) => file);
  if (changed.length === 0) stop('there is no diff in the prompt, so there is nothing to review');
  console.log(`changed: ${changed.join(', ')}`);
  const library = await import(pathToFileURL(join(worktree, 'src', 'index.js')).href);
  const issues = [];
  for (const probe of work.probes) {
    const shown = `${probe.call}(${probe.args.map((value) => JSON.stringify(value)).join(', ')})`;
    const { wrong, got } = ask(library[probe.call], probe);
    console.log(`${wrong ? 'wrong' : 'right'}  ${shown} ${got}`);
    if (!wrong) continue;
    const { message, rule, looksLike } = findings[wrong];
    const file = `src/${probe.call}.js`;
    if (issues.some((issue) => issue.file === file && issue.message.includes(message))) continue;
    const wanted = probe.throws ? `throwing a ${probe.throws}` : `returning ${JSON.stringify(probe.returns)}`;
    issues.push({
      severity: 'major',
      message: `${probe.call} ${message}: ${shown} ${got} instead of ${wanted}`,
      file,
      line: lineOf(file, looksLike),
      rule,
    });
  }
  if (issues.length > 0) {
    return { verdict: 'fail', confidence: 88, summary: `${issues[0].message}.`, issues };
  }
  const summary = `All ${work.probes.length} calls tried on the tree do what the feature request and the README say.`;
  return { verdict: 'pass', confidence: 93, summary, issues: [] };
}

function ask(call, { args, returns, throws }) {
  try {
    const value = call(...args);
    const got = `returned ${JSON.stringify(value)}`;
    if (throws) return { wrong: 'accepted', got };
    return { wrong: value === returns ? null : 'different', got };
  } catch (error) {
    return { wrong: error.name === throws ? null : throws ? 'different' : 'refused', got: `threw a ${error.name}` };
  }
}

function lineOf(file, pattern) {
  const at = readFileSync(join(worktree, file), 'utf8')
    .split('\n')
    .findIndex((text) => pattern.test(text));
  return Math.max(at, 0) + 1;
}

console.log('demo agent: replays prepared edits, no model is called');
if (!stage || !id || !resultFile || !promptFile || !existsSync(promptFile)) {
  stop('the runner starts it, with OPUS_STAGE, OPUS_FR_ID, OPUS_RESULT_FILE and a prompt file');
}
const prompt = readFileSync(promptFile, 'utf8');
const work = prepared[id];
if (!work) stop(`nothing is prepared for ${id}; it knows ${Object.keys(prepared).join(', ')}`);
if (!prompt.includes(id)) stop(`the prompt does not mention ${id}`);
console.log(`${stage}, round ${round}: read ${prompt.length} characters about ${id}`);

const stages = { plan, code, review, test: () => ({ summary: 'The runner runs the tests itself.' }) };
if (!stages[stage]) stop(`there is no stage ${stage}`);
const result = await stages[stage]();
writeFileSync(resultFile, `${JSON.stringify(result, null, 2)}\n`);
console.log(`${stage} done: ${result.summary}`);
