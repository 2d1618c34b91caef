// npm run bench [-- --json] [-- --files 8]: kernels, one step, packing, epochs, in WebAssembly
// and in every family of native kernels that runs here. Takes minutes; let nothing else run.
import { availableParallelism, cpus } from 'node:os'
import { parseArgs } from 'node:util'
import { renderTable } from '../src/cli/output/table.ts'
import { formatCount } from '../src/format.ts'
import { buildOf, trainingBuilds } from './builds.ts'
import { benchEpoch } from './epoch.ts'
import { benchKernels, peakGflops } from './kernels.ts'
import { timingText } from './measure.ts'
import { benchStep } from './step.ts'

const { values } = parseArgs({
  options: { json: { type: 'boolean', default: false }, files: { type: 'string', default: '8' } },
})
const builds = trainingBuilds()
const [wasm, ...native] = builds
const strict = wasm.name === 'strict' ? [] : [buildOf('strict')]
const kernels = [wasm, ...strict, ...native].flatMap(benchKernels)
const steps = builds.map((build) => ({
  name: build.name,
  peakGflops: peakGflops(build),
  lines: benchStep(build),
}))
const threadCounts = [...new Set([1, Math.min(2, availableParallelism())])]
const epochs = await benchEpoch(Number(values.files), builds, threadCounts)
const machine = `${cpus()[0].model}, ${availableParallelism()} cores, Node ${process.versions.node}`

const percent = (share: number | null) => (share === null ? '' : `${Math.round(100 * share)} %`)

if (values.json) console.log(JSON.stringify({ machine, kernels, steps, epochs }))
else {
  console.log(`${machine}\n`)
  console.log(
    renderTable(
      ['build', 'kernel', 'time', 'GFLOP/s', 'of peak'],
      kernels.map((line) => [
        line.build,
        line.kernel,
        timingText(line.timing),
        line.gflops?.toFixed(1) ?? '',
        percent(line.shareOfPeak),
      ]),
      ['left', 'left', 'right', 'right', 'right'],
    ),
  )
  for (const { name, peakGflops: peak, lines } of steps)
    console.log(
      renderTable(
        [`one step of 1,024 rows, one thread, ${name}`, 'time', 'share of step', 'of peak'],
        lines.map(({ part, timing, flops }) => [
          part,
          timingText(timing),
          percent(timing.seconds / lines[lines.length - 1].timing.seconds),
          percent(flops === 0 ? null : flops / timing.seconds / 1e9 / peak),
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
