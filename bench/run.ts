// npm run bench [-- --json] [-- --files 8]: kernels, one step, packing, epochs. Takes about two minutes; let nothing else run.
import { availableParallelism, cpus } from 'node:os'
import { parseArgs } from 'node:util'
import { bestSimd, bindKernels, compileKernels, createMemory } from '../src/kernels/kernels.ts'
import { renderTable } from '../src/cli/output/table.ts'
import { formatCount } from '../src/format.ts'
import { benchEpoch } from './epoch.ts'
import { benchKernels, peakGflops } from './kernels.ts'
import { timingText } from './measure.ts'
import { benchStep } from './step.ts'
import { findNative } from '../src/kernels/native.ts'

const { values } = parseArgs({
  options: { json: { type: 'boolean', default: false }, files: { type: 'string', default: '8' } },
})
const simd = bestSimd()
const kernels = (simd === 'relaxed' ? (['relaxed', 'strict'] as const) : (['strict'] as const)).flatMap(
  benchKernels,
)
const peak = peakGflops(bindKernels(compileKernels(simd), createMemory(4 * 2 ** 20)))
const wasm = { module: compileKernels(simd), turbo: false, native: null }
const native = findNative().family
const steps = [
  { name: `WebAssembly, ${simd}`, lines: benchStep(wasm) },
  ...(native ? [{ name: `native, ${native}`, lines: benchStep({ ...wasm, native }) }] : []),
]
const epochs = await benchEpoch(Number(values.files), [...new Set([1, Math.min(2, availableParallelism())])])
const machine = `${cpus()[0].model}, ${availableParallelism()} cores, Node ${process.versions.node}`

const percent = (share: number | null) => (share === null ? '' : `${Math.round(100 * share)} %`)
const share = (flops: number, seconds: number) => percent(flops === 0 ? null : flops / seconds / 1e9 / peak)

if (values.json) console.log(JSON.stringify({ machine, simd, peakGflops: peak, kernels, steps, epochs }))
else {
  console.log(`${machine}; peak of one core ${peak.toFixed(1)} GFLOP/s (${simd})\n`)
  console.log(
    renderTable(
      ['build', 'kernel', 'time', 'GFLOP/s', 'of peak'],
      kernels.map((line) => [
        line.simd,
        line.kernel,
        timingText(line.timing),
        line.gflops?.toFixed(1) ?? '',
        percent(line.shareOfPeak),
      ]),
      ['left', 'left', 'right', 'right', 'right'],
    ),
  )
  for (const { name, lines } of steps)
    console.log(
      renderTable(
        [`one step of 1,024 rows, one thread, ${name}`, 'time', 'share of step', 'of peak'],
        lines.map(({ part, timing, flops }) => [
          part,
          timingText(timing),
          percent(timing.seconds / lines[lines.length - 1].timing.seconds),
          share(flops, timing.seconds),
        ]),
        ['left', 'right', 'right', 'right'],
      ),
    )
  console.log(
    renderTable(
      ['', 'rows', 'time', 'rows/s', 'of peak'],
      epochs.map(({ what, rows, timing, shareOfPeak }) => [
        what,
        formatCount(rows),
        timingText(timing),
        formatCount(rows / timing.seconds),
        percent(shareOfPeak),
      ]),
      ['left', 'right', 'right', 'right', 'right'],
    ),
  )
}
