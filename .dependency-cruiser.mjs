/**
 * Layers: features ← models ← sql ← pipelines | api. An import may only point left; test sees all.
 * Types count as imports, so that a cycle of types is a cycle.
 */

const PRODUCT = '^(features|models|sql|pipelines|api)/'

/** A rule that `from` may not import anything of `to` (regular expressions on paths from the root). */
const forbid = (name, comment, from, to) => ({ name, comment, severity: 'error', from, to })

/** A package that one file alone may import; tests may compare with the real thing. */
const onlyIn = (file, packages) =>
  forbid(
    `only-${file.replaceAll(/[/.]/g, '-')}`,
    `only ${file} imports ${packages}`,
    { path: PRODUCT, pathNot: `^${file.replaceAll('.', '\\.')}$` },
    { path: `(^|node_modules/)(${packages})(/|$)` },
  )

export default {
  forbidden: [
    forbid(
      'layers-features',
      'features/ imports no other layer',
      { path: '^features/' },
      { path: '^(models|sql|pipelines|api|test)/' },
    ),
    forbid(
      'layers-models',
      'models/ imports features/ only',
      { path: '^models/' },
      { path: '^(sql|pipelines|api|test)/' },
    ),
    forbid(
      'layers-sql',
      'sql/ imports features/ and models/ only',
      { path: '^sql/' },
      { path: '^(pipelines|api|test)/' },
    ),
    forbid('layers-api', 'api/ never imports pipelines/', { path: '^api/' }, { path: '^(pipelines|test)/' }),
    forbid('layers-pipelines', 'pipelines/ never imports test/', { path: '^pipelines/' }, { path: '^test/' }),
    forbid(
      'layers-composition',
      'of pipelines/ only run/ and cli/ put the API together with the rest',
      { path: '^pipelines/', pathNot: '^pipelines/(run|cli)/' },
      { path: '^api/' },
    ),
    forbid('no-cycle', 'the import graph has no cycle', {}, { circular: true }),
    forbid('no-unresolvable', 'every import can be resolved', {}, { couldNotResolve: true }),
    forbid(
      'no-development-package',
      'the product runs without development packages',
      { path: PRODUCT },
      { dependencyTypes: ['npm-dev'], dependencyTypesNot: ['type-only'] },
    ),
    forbid(
      'no-unlisted-package',
      'every package is listed in package.json',
      {},
      { dependencyTypes: ['npm-no-pkg', 'npm-unknown'] },
    ),
    onlyIn('sql/embedded.ts', 'chdb'),
    onlyIn('sql/server.ts', '@clickhouse/client'),
    onlyIn('models/scorer.ts', 'onnxruntime-node'),
    onlyIn('pipelines/kafka/client.ts', 'kafkajs'),
    onlyIn('pipelines/checkpoint/bucket.ts', '@aws-sdk/client-s3'),
    onlyIn('pipelines/registry/avro.ts', 'avsc'),
    onlyIn('pipelines/registry/protobuf.ts', 'protobufjs'),
    onlyIn('pipelines/watch/metrics.ts', 'prom-client'),
  ],
  options: {
    doNotFollow: { path: 'node_modules' },
    exclude: { path: '(^|/)(data|coverage)/' },
    tsConfig: { fileName: 'tsconfig.json' },
    tsPreCompilationDeps: true,
    enhancedResolveOptions: { exportsFields: ['exports'], conditionNames: ['node', 'import', 'default', 'types'] },
    cache: false,
  },
}
