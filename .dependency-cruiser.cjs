/** The layering rules of ARCHITECTURE.md, checked by machine. */
const only = (name, from, to, comment) => ({
  name,
  severity: 'error',
  comment,
  from: { path: from },
  to: { path: to },
});
module.exports = {
  forbidden: [
    { name: 'no-circular', severity: 'error', from: {}, to: { circular: true } },
    { name: 'no-unresolvable', severity: 'error', from: {}, to: { couldNotResolve: true, pathNot: '^obsidian$' } },
    {
      name: 'shared-is-the-bottom',
      severity: 'error',
      comment: 'shared imports itself, zod/mini and yaml only',
      from: { path: '^shared/' },
      to: { pathNot: '^(shared/|node_modules/(zod|yaml)/)' },
    },
    {
      name: 'core-is-pure',
      severity: 'error',
      comment: 'core imports shared and itself only',
      from: { path: '^runner/core/' },
      to: { pathNot: '^(runner/core/|shared/|node_modules/zod/)' },
    },
    only(
      'engine-knows-ports-only',
      '^runner/engine/',
      '^runner/(adapters|config|server|cli|compose|main)',
      'the engine talks to ports',
    ),
    only(
      'adapters-know-ports-only',
      '^runner/adapters/',
      '^runner/(engine|config|server|cli|compose|main)',
      'adapters implement ports',
    ),
    {
      name: 'adapters-never-each-other',
      severity: 'error',
      from: { path: '^runner/adapters/([^/]+)/' },
      to: { path: '^runner/adapters/([^/]+)/', pathNot: '^runner/adapters/$1/' },
    },
    only(
      'config-is-low',
      '^runner/config/',
      '^runner/(engine|adapters|server|cli|compose|main)',
      'configuration knows core and shared',
    ),
    only('nobody-imports-main', '^(runner|shared|plugin)/', '^runner/main', 'main is the top'),
    only('only-main-imports-cli', '^runner/(?!main|cli)', '^runner/cli/', 'commands are the outermost layer'),
    only(
      'only-cli-composes',
      '^runner/(?!main|cli|compose)',
      '^runner/compose',
      'the composition root is used by commands',
    ),
    only('halves-meet-in-shared', '^plugin/', '^runner/', 'plugin and runner meet only in shared'),
    only('halves-meet-in-shared-2', '^runner/', '^plugin/', 'plugin and runner meet only in shared'),
    {
      name: 'plugin-has-no-node',
      severity: 'error',
      comment: 'mobile has no Node',
      from: { path: '^plugin/' },
      to: { dependencyTypes: ['core'] },
    },
    {
      name: 'no-grab-bags',
      severity: 'error',
      from: {},
      to: { path: '(^|/)(utils?|helpers|types)\\.ts$', pathNot: 'node_modules' },
    },
    {
      name: 'product-never-imports-tests',
      severity: 'error',
      from: { path: '^(shared|runner|plugin)/' },
      to: { path: '^(test|examples)/' },
    },
    {
      name: 'product-needs-real-dependencies',
      severity: 'error',
      from: { path: '^(shared|runner)/' },
      to: { dependencyTypes: ['npm-dev', 'npm-no-pkg', 'npm-unknown'], pathNot: 'node_modules/@types' },
    },
  ],
  options: {
    doNotFollow: { path: 'node_modules' },
    tsPreCompilationDeps: true,
    tsConfig: { fileName: 'tsconfig.base.json' },
    enhancedResolveOptions: {
      extensions: ['.ts', '.mjs', '.js', '.json'],
      exportsFields: ['exports'],
      conditionNames: ['import', 'node', 'default'],
    },
  },
};
