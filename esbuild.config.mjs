//   node scripts/run.mjs esbuild.config.mjs [--dev] [--only plugin|dashboard|runner|schemas] [--out FOLDER]
import { existsSync } from 'node:fs';
import { copyFile, mkdir, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { basename, dirname, join, resolve } from 'node:path';
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
    // A tsconfig.json would have the last word otherwise.
    tsconfigRaw: { compilerOptions: { jsx: 'react', jsxFactory: 'drawn', jsxFragmentFactory: 'DrawnFragment' } },
    inject: ['scripts/jsx-factory.mjs'],
    // Obsidian hands out its own copies of these.
    external: ['obsidian', '@codemirror/*'],
    charset: 'utf8',
    // Of these packages only a part is needed; whole, they would be two thirds of what the plugin may weigh.
    alias: JSON.parse(await readFile(join(import.meta.dirname, 'plugin/aliases.json'), 'utf8')),
    minify: !values.dev,
  });
  for (const file of ['manifest.json', 'styles.css']) {
    await copyFile(join(import.meta.dirname, file), join(folder, file));
  }
}

async function dashboard() {
  const folder = resolve(import.meta.dirname, values.out, 'dashboard');
  const { version } = JSON.parse(await readFile(join(import.meta.dirname, 'package.json'), 'utf8'));
  const { outputFiles } = await build({
    ...common,
    // What the views are styled by in Obsidian, over values of its own for Obsidian's variables.
    stdin: {
      contents: "import './runner/dashboard/style.css'; import './styles.css';",
      resolveDir: import.meta.dirname,
    },
    outfile: join(folder, 'style.js'),
    minify: !values.dev,
    write: false,
  });
  const page = await readFile(join(import.meta.dirname, 'runner/dashboard/index.html'), 'utf8');
  const shapes = await iconShapes();
  const script = await build({
    ...common,
    entryPoints: ['runner/dashboard/main.tsx'],
    outdir: folder,
    chunkNames: '[name]-[hash]',
    splitting: true,
    format: 'esm',
    platform: 'browser',
    target: 'es2022',
    jsx: 'automatic',
    jsxImportSource: 'preact',
    minify: !values.dev,
    write: false,
  });
  const files = {
    'index.html': page
      .replace('%VERSION%', version)
      .replace('%ICON%', dataIcon(shapes['square-kanban']))
      .replace('%SPRITE%', Object.entries(shapes).map(symbol).join('')),
    ...Object.fromEntries(script.outputFiles.map(({ path, contents }) => [basename(path), contents])),
    'style.css': outputFiles.find(({ path }) => path.endsWith('.css')).contents,
  };
  await mkdir(folder, { recursive: true });
  for (const [name, contents] of Object.entries(files)) await writeWhole(join(folder, name), contents);
  for (const name of await readdir(folder)) {
    if (!(name in files)) await rm(join(folder, name), { force: true });
  }
}

/** Whoever reads it meanwhile gets what was there before, or all of it. */
async function writeWhole(file, contents) {
  const beside = `${file}.${process.pid}`;
  await writeFile(beside, contents);
  await rename(beside, file);
}

/** Lucide's shapes of whatever the page's sources name; a word that is an icon's name, too, costs some bytes. */
async function iconShapes() {
  const lucide = createRequire(import.meta.url).resolve('lucide-static/icon-nodes.json');
  const shapes = JSON.parse(await readFile(lucide, 'utf8'));
  const used = {};
  for (const folder of ['shared/view', 'shared/view-model', 'runner/dashboard']) {
    for (const name of await readdir(join(import.meta.dirname, folder), { recursive: true })) {
      if (!/\.tsx?$/.test(name)) continue;
      const source = await readFile(join(import.meta.dirname, folder, name), 'utf8');
      for (const [, , icon] of source.matchAll(/(['"])([a-z][a-z0-9-]*)\1/g)) {
        if (Object.hasOwn(shapes, icon)) used[icon] = shapes[icon];
      }
    }
  }
  return used;
}

function drawn(shapes) {
  const attributesOf = (attributes) => Object.entries(attributes).map(([name, value]) => ` ${name}='${value}'`);
  return shapes.map(([tag, attributes]) => `<${tag}${attributesOf(attributes).join('')}/>`).join('');
}

function symbol([name, shapes]) {
  return `<symbol id="icon-${name}" viewBox="0 0 24 24">${drawn(shapes)}</symbol>`;
}

function dataIcon(shapes) {
  const head =
    "<svg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 24 24' fill='none' stroke='#7c5cff' stroke-width='2'>";
  return `data:image/svg+xml,${encodeURIComponent(`${head}${drawn(shapes)}</svg>`)}`;
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

const parts = { plugin, dashboard, runner, schemas };
const chosen = values.only === undefined ? Object.keys(parts) : [values.only];
const results = await Promise.allSettled(chosen.map((part) => parts[part]()));
for (const { reason } of results.filter(({ status }) => status === 'rejected')) {
  // esbuild has printed what is wrong with the sources already.
  if (!reason.errors) console.error(reason);
  process.exitCode = 1;
}
