// Bundles src/console into dist/console: hashed names, each file also compressed, and a manifest for the server.
import { readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { basename, join } from 'node:path'
import { brotliCompressSync, constants, gzipSync } from 'node:zlib'
import { build, type Metafile } from 'esbuild'

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

/** The licences of the packages that something of is in the bundle. */
function licensesOf({ inputs }: Metafile): string {
  const packages = Object.keys(inputs).flatMap(
    (file) => /^node_modules\/((?:@[^/]+\/)?[^/]+)\//.exec(file)?.[1] ?? [],
  )
  return [...new Set(packages)]
    .toSorted()
    .map((name) => {
      const folder = join(root, 'node_modules', name)
      const file = readdirSync(folder).find((one) => /^licen[cs]e/i.test(one))
      if (file === undefined)
        throw new Error(`Cannot bundle the console: ${name} has no file with its licence`)
      return `${name}\n\n${readFileSync(join(folder, file), 'utf8').trim()}\n`
    })
    .join('\n----\n\n')
}
