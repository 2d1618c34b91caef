import assert from 'node:assert/strict'
import { readdirSync, readFileSync } from 'node:fs'
import { dirname, join, posix, relative, sep } from 'node:path'
import { describe, test } from 'node:test'
import { fileURLToPath } from 'node:url'

const SRC = fileURLToPath(new URL('../src', import.meta.url))

// Top to bottom; folders of one line may not see each other. Files that lie in src itself: index.ts at the top, the rest at the bottom.
const LAYERS = [
  ['index.ts'],
  ['cli', 'console'],
  ['client'],
  ['server'],
  ['live'],
  ['loadtest'],
  ['training', 'ranking'],
  ['dataset', 'store'],
  ['model'],
  ['metrics'],
  ['kernels'],
  ['features'],
  ['geo'],
  ['report'],
  ['json'],
  ['options'],
  [
    'errors.ts',
    'shown.ts',
    'bundledPackage.ts',
    'schema.ts',
    'random.ts',
    'files.ts',
    'fileToReplace.ts',
    'claimOut.ts',
    'format.ts',
    'ids.ts',
    'machineName.ts',
    'packageVersion.ts',
    'peakMemory.ts',
    'setupError.ts',
  ],
]

// Each package is known in one place.
const PACKAGES: Record<string, string[]> = {
  '@duckdb/node-api': ['dataset'],
  '@fastify/swagger': ['server'],
  '@fastify/swagger-ui': ['server'],
  '@prometheus-io/client': ['server'],
  '@redis/client': ['store'],
  commander: ['cli'],
  fastify: ['server'],
  geojson: ['console'],
  kdbush: ['geo'],
  leaflet: ['console'],
  picomatch: ['dataset'],
  pino: ['server'],
  preact: ['console'],
  'topojson-client': ['console'],
  'topojson-specification': ['console'],
  typebox: ['schema.ts'],
  'world-atlas': ['console'],
}

interface Import {
  file: string // relative to src, with /
  specifier: string
}

// AssemblyScript is another language with its own imports: it is reached through its compiled modules only.
const files = readdirSync(SRC, { recursive: true, encoding: 'utf8' })
  .map((file) => file.split(sep).join('/'))
  .filter((file) => /\.tsx?$/.test(file) && !file.startsWith('kernels/assembly/'))
const sources = new Map(files.map((file) => [file, withoutComments(readFileSync(join(SRC, file), 'utf8'))]))
const imports: Import[] = [...sources].flatMap(([file, source]) =>
  importsOf(source).map((specifier) => ({ file, specifier })),
)

describe('import direction', () => {
  test('the sources and their imports are found', () => {
    assert.ok(files.length > 10, `${files.length} files`)
    assert.ok(imports.length > 20, `${imports.length} imports`)
  })

  test('every folder and file of src has a layer', () => {
    for (const file of files) assert.notEqual(layerOf(file), -1, `${file}: add its folder to LAYERS`)
  })

  test('imports go downward, never upward and never sideways', () => {
    assert.deepEqual(imports.map(directionProblem).filter(Boolean), [])
  })

  test('no file leads back to itself, by values or by types', () => {
    assert.deepEqual(circlesOf(imports), [])
  })

  test('relative imports end in .ts or .tsx and name a file that exists', () => {
    for (const { file, specifier } of imports)
      if (specifier.startsWith('.')) {
        assert.match(specifier, /\.tsx?$/, `${file} imports ${specifier}`)
        assert.ok(sources.has(targetOf(file, specifier)), `${file} imports ${specifier}, which is not there`)
      }
  })

  test('each package is imported only where it may be', () => {
    assert.deepEqual(imports.map(packageProblem).filter(Boolean), [])
  })

  test('only src/cli prints', () => {
    for (const [file, source] of sources)
      if (!file.startsWith('cli/'))
        assert.doesNotMatch(source, /\bconsole\s*\.|process\s*\.\s*(stdout|stderr)\b/, file)
  })

  test('the rules catch what they forbid', () => {
    assert.ok(problem('model/a.ts', '../training/b.ts'), 'upward')
    assert.ok(problem('training/a.ts', '../ranking/b.ts'), 'sideways')
    assert.ok(problem('dataset/a.ts', '../store/b.ts'), 'sideways')
    assert.ok(problem('errors.ts', './geo/a.ts'), 'a root file that imports a folder')
    assert.ok(problem('cli/a.ts', '../index.ts'), 'index.ts is the top')
    assert.ok(problem('training/a.ts', '@duckdb/node-api'), 'DuckDB outside of dataset')
    assert.ok(problem('training/a.ts', 'commander'), 'commander outside of cli')
    assert.ok(problem('model/a.ts', 'left-pad'), 'a package nobody has allowed')
    assert.ok(problem('model/a.ts', 'fs'), 'a built-in module without node:')
    assert.equal(problem('training/a.ts', '../model/b.ts'), undefined)
    assert.equal(problem('training/a.ts', './b.ts'), undefined)
    assert.equal(problem('geo/a.ts', '../errors.ts'), undefined)
    assert.equal(problem('schema.ts', 'typebox/value'), undefined)
    assert.ok(problem('model/a.ts', 'typebox/value'), 'typebox outside of schema.ts')
    assert.equal(problem('model/a.ts', 'node:fs'), undefined)
    assert.deepEqual(
      importsOf(`import type { A } from './a.ts'
        import {
          b,
        } from "./b.ts"
        import './c.ts'
        export * from './d.ts'
        const e = await import('./e.ts')
        type F = import('./f.ts').F
        new Worker(new URL('./g.ts', import.meta.url))
        import * as h from './h.ts'`).toSorted(),
      ['./a.ts', './b.ts', './c.ts', './d.ts', './e.ts', './f.ts', './g.ts', './h.ts'],
    )
    const chain = [
      { file: 'a/a.ts', specifier: './b.ts' },
      { file: 'a/b.ts', specifier: '../c/c.ts' },
      { file: 'c/c.ts', specifier: '../a/b.ts' },
    ]
    assert.deepEqual(circlesOf(chain), ['a/b.ts → c/c.ts → a/b.ts'])
    assert.deepEqual(circlesOf(chain.slice(0, 2)), [])
    assert.deepEqual(importsOf(withoutComments(`// import './a.ts'\n/* import './b.ts' */`)), [])
  })
})

function problem(file: string, specifier: string): string | undefined {
  return directionProblem({ file, specifier }) ?? packageProblem({ file, specifier })
}

function importsOf(source: string): string[] {
  const patterns = [
    /\b(?:import|export)\b[\w\s{},*$]*?\bfrom\s*['"]([^'"]+)['"]/g,
    /\bimport\s*['"]([^'"]+)['"]/g,
    /\bimport\s*\(\s*['"]([^'"]+)['"]/g,
    /\bnew URL\(\s*['"](\.[^'"]*\.ts)['"]\s*,\s*import\.meta\.url/g,
  ]
  return patterns.flatMap((pattern) => [...source.matchAll(pattern)].map((match) => match[1]))
}

/** Every circle of imports once, as `a.ts → b.ts → a.ts`. */
function circlesOf(all: Import[]): string[] {
  const targets = Map.groupBy(
    all.filter(({ specifier }) => specifier.startsWith('.')),
    ({ file }) => file,
  )
  const circles: string[] = []
  const done = new Set<string>()
  const visit = (file: string, path: string[]) => {
    if (path.includes(file)) {
      circles.push([...path.slice(path.indexOf(file)), file].join(' → '))
      return
    }
    if (done.has(file)) return
    for (const { specifier } of targets.get(file) ?? []) visit(targetOf(file, specifier), [...path, file])
    done.add(file)
  }
  for (const file of targets.keys()) visit(file, [])
  return circles
}

function withoutComments(source: string): string {
  return source.replace(/\/\*[\s\S]*?\*\//g, '').replace(/^\s*\/\/.*$/gm, '')
}

function targetOf(file: string, specifier: string): string {
  return posix.normalize(posix.join(dirname(file), specifier))
}

function folderOf(file: string): string {
  return file.split('/')[0]
}

function layerOf(file: string): number {
  return LAYERS.findIndex((layer) => layer.includes(folderOf(file)))
}

function directionProblem({ file, specifier }: Import): string | undefined {
  if (!specifier.startsWith('.')) return undefined
  const target = targetOf(file, specifier)
  if (target.startsWith('..')) return `${file} imports ${relative('.', target)} from outside of src`
  const isRootFile = !target.includes('/')
  if (folderOf(file) === folderOf(target) && (file.includes('/') || file === target)) return undefined
  // Files at the bottom of src are one layer and may see one another: files.ts throws what errors.ts defines.
  const isBottom = layerOf(file) === LAYERS.length - 1 && isRootFile && layerOf(target) === LAYERS.length - 1
  if (isBottom || layerOf(target) > layerOf(file)) return undefined
  return `${file} must not import ${target}`
}

function packageProblem({ file, specifier }: Import): string | undefined {
  if (specifier.startsWith('.') || specifier.startsWith('node:')) return undefined
  const parts = specifier.split('/')
  const name = specifier.startsWith('@') ? parts.slice(0, 2).join('/') : parts[0]
  const folders = Object.hasOwn(PACKAGES, name) ? PACKAGES[name] : []
  return folders.includes(folderOf(file)) ? undefined : `${file} must not import the package ${name}`
}
