// Makes one file each of the packages that are hundreds of modules, see src/bundledPackage.ts.
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { build } from 'esbuild'
import { licensesOf } from './licenses.ts'

const root = join(import.meta.dirname, '..')
const out = join(root, 'dist/packages')
const SOURCES = {
  'typebox-schema': "export { Check, Compile, Errors } from 'typebox/schema'",
  'duckdb-node-api': "export * from '@duckdb/node-api'",
}

const inputs = {}
for (const [name, contents] of Object.entries(SOURCES)) {
  const { metafile } = await build({
    absWorkingDir: root,
    stdin: { contents, resolveDir: root, sourcefile: `${name}.js` },
    outfile: `dist/packages/${name}.cjs`,
    bundle: true,
    platform: 'node',
    format: 'cjs',
    target: 'node24',
    external: ['@duckdb/node-bindings'], // native
    legalComments: 'none', // LICENSES.txt has them whole
    metafile: true,
    logLevel: 'warning',
  })
  Object.assign(inputs, metafile.inputs)
}
writeFileSync(join(out, 'LICENSES.txt'), licensesOf({ inputs }))
