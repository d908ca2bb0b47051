// The whole check, one step after another, so that two cores are not fought over.
//   node scripts/run.mjs scripts/check.mjs [--without STEP]…
import { spawnSync } from 'node:child_process';
import { dirname } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const steps = [
  ['format', 'prettier', '--check', '--log-level', 'warn', '.'],
  ['lint', 'eslint', '--max-warnings', '0', '.'],
  ['types', 'tsc', '-b'],
  ['layers', 'depcruise', '--output-type', 'err', 'shared', 'runner', 'plugin'],
  ['unused', 'knip'],
  ['build', 'esbuild.config.mjs'],
  ['size', 'size-limit'],
  ['test', 'vitest', 'run'],
];

const skipped = process.argv.flatMap((word, at) => (word === '--without' ? [process.argv[at + 1]] : []));
const unknown = skipped.find((name) => !steps.some(([step]) => step === name));
if (unknown !== undefined) {
  console.error(`There is no step ${unknown}; the steps are ${steps.map(([name]) => name).join(', ')}.`);
  process.exit(2);
}

const results = [];
for (const [name, ...command] of steps) {
  if (skipped.includes(name)) continue;
  console.log(`\n── ${name}: ${command.join(' ')}`);
  const began = performance.now();
  const { status } = spawnSync(process.execPath, ['scripts/run.mjs', ...command], { cwd: root, stdio: 'inherit' });
  results.push({ name, ok: status === 0, seconds: (performance.now() - began) / 1000 });
}

console.log('\n── summary');
for (const { name, ok, seconds } of results) {
  console.log(`${ok ? 'ok    ' : 'FAILED'}  ${name.padEnd(8)} ${seconds.toFixed(1).padStart(6)} s`);
}
process.exitCode = results.every(({ ok }) => ok) ? 0 : 1;
