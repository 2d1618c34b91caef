// Compiles the native kernels with the C compiler of this machine, once for each family of its processors. Without a compiler
// there are none, and nothing is said: the WebAssembly kernels do the same, to the bit.
import { spawnSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, renameSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { nativeFile } from '../src/kernels/native.ts'

const HEADERS = fileURLToPath(new URL('include', import.meta.resolve('node-api-headers')))
const SOURCES = join(import.meta.dirname, '../src/kernels/native')
const FILES = ['gemm', 'hidden', 'gather', 'adam', 'loss', 'pairwise', 'rows', 'peak']
// No product and sum is fused but where the source says so; of libc only what each has: copying and setting memory, and madvise.
const FLAGS = '-O3 -fPIC -fvisibility=hidden -ffp-contract=off -fno-math-errno -std=gnu11'.split(' ')
// Node itself has what the library calls of Node-API. On Linux, a library that is linked with no libc runs beside glibc and musl
// alike; libgcc tells the processor's features.
const LIBRARIES: Partial<Record<NodeJS.Platform, string[]>> = {
  linux: ['-nostdlib', '-lgcc'],
  darwin: ['-undefined', 'dynamic_lookup'],
}
const FAMILIES: Record<string, Record<string, string>> = {
  x64: {
    avx512: '-mavx512f -mavx512dq -mavx512vl -mavx2 -mfma -mprefer-vector-width=512',
    avx2: '-mavx2 -mfma',
  },
  arm64: { neon: '' },
}

const compiler = process.env.CC ?? 'cc'
const families = FAMILIES[process.arch]
const target = nativeFile()
if (!families || spawnSync(compiler, ['--version']).status !== 0) rmSync(target, { force: true })
else
  try {
    build()
  } catch (error) {
    rmSync(target, { force: true })
    if (process.env.NEARRANK_CI === '1') throw error
    process.stderr.write(`${(error as Error).message}\nContinuing without them: WebAssembly does the same.\n`)
  }

function build(): void {
  const folder = mkdtempSync(join(tmpdir(), 'nearrank-native-'))
  try {
    const objects: string[] = []
    const compile = (file: string, object: string, flags: string[]) => {
      run([...FLAGS, ...flags, '-c', join(SOURCES, `${file}.c`), '-o', join(folder, object)])
      objects.push(join(folder, object))
    }
    compile('module', 'module.o', ['-I', HEADERS])
    for (const [family, flags] of Object.entries(families))
      for (const file of FILES) compile(file, `${file}-${family}.o`, flags.split(' ').filter(Boolean))
    mkdirSync(join(target, '..'), { recursive: true })
    const beside = `${target}.new`
    run(['-shared', '-o', beside, ...objects, ...(LIBRARIES[process.platform] ?? [])])
    renameSync(beside, target)
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

/** @throws Error with what the compiler said. */
function run(args: string[]): void {
  const { status, stderr } = spawnSync(compiler, args, { encoding: 'utf8' })
  if (status !== 0)
    throw new Error(`Cannot compile the native kernels (${compiler} ${args.join(' ')}): ${stderr}`)
}
