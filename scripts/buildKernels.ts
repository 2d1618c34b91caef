// Compiles the AssemblyScript kernels twice: with relaxed SIMD (fused multiply-add) and without.
import { mkdirSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { main } from 'assemblyscript/asc'

const root = fileURLToPath(new URL('..', import.meta.url))
mkdirSync(`${root}/wasm`, { recursive: true })

const OPTIONS = '-O3 --runtime stub --noAssert --importMemory --sharedMemory --maximumMemory 65536'.split(' ')
const FEATURES = { strict: ['simd', 'threads'], relaxed: ['simd', 'threads', 'relaxed-simd'] }

for (const [build, features] of Object.entries(FEATURES)) {
  const out = ['--baseDir', root, '--outFile', `wasm/kernels-${build}.wasm`]
  const enable = features.flatMap((feature) => ['--enable', feature])
  const { error, stderr } = await main(['src/kernels/assembly/index.ts', ...out, ...OPTIONS, ...enable], {})
  if (error)
    throw new Error(`Cannot compile the ${build} kernels: ${(stderr as { toString(): string }).toString()}`, {
      cause: error,
    })
}
