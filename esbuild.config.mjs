//   node scripts/run.mjs esbuild.config.mjs [--dev]
import { build } from 'esbuild';
import { copyFile, rm } from 'node:fs/promises';
import { existsSync } from 'node:fs';

const dev = process.argv.includes('--dev');
const shared = { bundle: true, logLevel: 'warning', sourcemap: dev ? 'inline' : false, absWorkingDir: import.meta.dirname };

async function plugin() {
  await rm('dist/plugin', { recursive: true, force: true });
  await build({
    ...shared,
    entryPoints: ['plugin/main.ts'],
    outfile: 'dist/plugin/main.js',
    format: 'cjs',
    platform: 'browser',
    target: 'es2022',
    external: ['obsidian'],
    minify: !dev,
  });
  for (const file of ['manifest.json', 'styles.css']) await copyFile(file, `dist/plugin/${file}`);
}

async function runner() {
  const entries = { main: 'runner/main.ts', relay: 'runner/adapters/sandbox/relay.ts' };
  await rm('dist/runner', { recursive: true, force: true });
  await build({
    ...shared,
    entryPoints: Object.fromEntries(Object.entries(entries).filter(([, file]) => existsSync(file))),
    outdir: 'dist/runner',
    outExtension: { '.js': '.mjs' },
    format: 'esm',
    splitting: true,
    platform: 'node',
    target: 'node24',
    // Bundled CommonJS packages call require, which an ES module does not have.
    banner: { js: "const require = process.getBuiltinModule('node:module').createRequire(import.meta.url);" },
  });
}

await Promise.all([plugin(), runner()]);
