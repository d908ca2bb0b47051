//   node scripts/run.mjs esbuild.config.mjs [--dev] [--only plugin|runner|schemas] [--out FOLDER]
import { existsSync } from 'node:fs';
import { copyFile, mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { dirname, join, resolve } from 'node:path';
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
    // The service keeps all of its source in memory. Short lines, so that a stack in the log still names a place.
    minifyWhitespace: !values.dev,
    minifySyntax: !values.dev,
    lineLimit: values.dev ? 0 : 160,
    legalComments: values.dev ? 'inline' : 'external',
    // Three packages bring the same version each, wherever npm put it.
    alias: { ajv: ajvOfFastify() },
    // Bundled CommonJS packages call require, which an ES module does not have.
    banner: { js: "const require = process.getBuiltinModule('node:module').createRequire(import.meta.url);" },
  });
  if (!values.dev) await keepToAscii(folder);
}

function ajvOfFastify() {
  const fastify = createRequire(import.meta.url).resolve('@fastify/ajv-compiler');
  return dirname(createRequire(fastify).resolve('ajv/package.json'));
}

/** One character beyond ASCII makes the engine keep the whole file with two bytes for each; esbuild leaves those in patterns. */
async function keepToAscii(folder) {
  for (const name of await readdir(folder)) {
    if (!name.endsWith('.mjs')) continue;
    const text = await readFile(join(folder, name), 'utf8');
    const ascii = text.replaceAll(
      /[^\0-\x7f]/g,
      (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`,
    );
    if (ascii !== text) await writeFile(join(folder, name), ascii);
  }
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
