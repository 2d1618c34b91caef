// Bundles src/console into dist/console: hashed names, each file also compressed, and a manifest for the server.
import { readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { basename, join } from 'node:path'
import { brotliCompressSync, constants, gzipSync } from 'node:zlib'
import { build, type Metafile } from 'esbuild'
import { licensesOf } from './licenses.ts'

const root = join(import.meta.dirname, '..')
const out = join(root, 'dist/console')
const BROTLI = { params: { [constants.BROTLI_PARAM_QUALITY]: constants.BROTLI_MAX_QUALITY } }

rmSync(out, { recursive: true, force: true })
const { metafile } = await build({
  absWorkingDir: root,
  entryPoints: ['src/console/main.tsx', 'src/console/style/main.css'],
  outdir: 'dist/console',
  outbase: 'src/console',
  bundle: true,
  splitting: true,
  format: 'esm',
  target: ['chrome120', 'firefox121', 'safari17.4'],
  minify: true,
  jsx: 'automatic',
  jsxImportSource: 'preact',
  entryNames: '[name]-[hash]',
  chunkNames: '[name]-[hash]',
  loader: { '.png': 'dataurl' },
  legalComments: 'none', // LICENSES.txt has them whole
  metafile: true,
  logLevel: 'warning',
})
writeFileSync(join(out, 'manifest.json'), `${JSON.stringify(manifestOf(metafile))}\n`)
writeFileSync(join(out, 'LICENSES.txt'), licensesOf(metafile))
for (const name of readdirSync(out).filter((file) => /\.(js|css)$/.test(file))) {
  const content = readFileSync(join(out, name))
  writeFileSync(join(out, `${name}.br`), brotliCompressSync(content, BROTLI))
  writeFileSync(join(out, `${name}.gz`), gzipSync(content, { level: 9 }))
}

/** The entries' files, and what the script imports at once. */
function manifestOf({ outputs }: Metafile): { script: string; style: string; preload: string[] } {
  const entry = (source: string): string => {
    const found = Object.keys(outputs).find((file) => outputs[file].entryPoint === source)
    if (found === undefined) throw new Error(`Cannot bundle the console: nothing was made of ${source}`)
    return found
  }
  const script = entry('src/console/main.tsx')
  const preload = outputs[script].imports.filter(({ kind }) => kind === 'import-statement')
  return {
    script: basename(script),
    style: basename(entry('src/console/style/main.css')),
    preload: preload.map(({ path }) => basename(path)),
  }
}
