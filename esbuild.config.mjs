//   node scripts/run.mjs esbuild.config.mjs [--dev] [--only plugin|runner|schemas] [--out FOLDER]
import { existsSync } from 'node:fs';
import { copyFile, mkdir, rm, writeFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { build } from 'esbuild';

const { values } = parseArgs({
  options: {
    dev: { type: 'boolean', default: false },
    only: { type: 'string' },
    out: { type: 'string', default: 'dist' },
  },
});

const common = {
  bundle: true,
  logLevel: 'warning',
  sourcemap: values.dev ? 'inline' : false,
  absWorkingDir: import.meta.dirname,
};

async function plugin() {
  const folder = resolve(import.meta.dirname, values.out, 'plugin');
  await rm(folder, { recursive: true, force: true });
  await build({
    ...common,
    entryPoints: ['plugin/main.ts'],
    outfile: join(folder, 'main.js'),
    format: 'cjs',
    platform: 'browser',
    target: 'es2022',
    external: ['obsidian'],
    minify: !values.dev,
  });
  for (const file of ['manifest.json', 'styles.css']) {
    await copyFile(join(import.meta.dirname, file), join(folder, file));
  }
}

async function runner() {
  const folder = resolve(import.meta.dirname, values.out, 'runner');
  const entries = { main: 'runner/main.ts', relay: 'runner/adapters/sandbox/relay.ts' };
  await rm(folder, { recursive: true, force: true });
  await build({
    ...common,
    entryPoints: Object.fromEntries(
      Object.entries(entries).filter(([, file]) => existsSync(join(import.meta.dirname, file))),
    ),
    outdir: folder,
    outExtension: { '.js': '.mjs' },
    format: 'esm',
    splitting: true,
    platform: 'node',
    target: 'node24',
    // Bundled CommonJS packages call require, which an ES module does not have.
    banner: { js: "const require = process.getBuiltinModule('node:module').createRequire(import.meta.url);" },
  });
}

/** For editors that check opus.yml and the policy note's properties while they are written. */
async function schemas() {
  const folder = resolve(import.meta.dirname, values.out, 'schemas');
  const { jsonSchemas } = await import('./runner/config/json-schema.ts');
  const { config, policy } = jsonSchemas();
  await mkdir(folder, { recursive: true });
  for (const [name, schema] of Object.entries({ 'opus.schema.json': config, 'policy.schema.json': policy })) {
    await writeFile(join(folder, name), `${JSON.stringify(schema, null, 2)}\n`);
  }
}

const halves = { plugin, runner, schemas };
const chosen = values.only === undefined ? Object.keys(halves) : [values.only];
const results = await Promise.allSettled(chosen.map((half) => halves[half]()));
for (const { reason } of results.filter(({ status }) => status === 'rejected')) {
  // esbuild has printed what is wrong with the sources already.
  if (!reason.errors) console.error(reason);
  process.exitCode = 1;
}
