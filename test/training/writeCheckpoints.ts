// Writes one checkpoint after another to the given path, prints the step of each when it is written, until killed.
import { type CheckpointState, writeCheckpoint } from '../../src/training/run/checkpoint.ts'

const [path, first] = process.argv.slice(2)
const arrays = () => new Float32Array(5_000).fill(0.5)
for (let step = Number(first); ; step++) {
  const state = { run: 'the run', step, epoch: 1 } as CheckpointState
  const all = { parameters: arrays(), momentsM: arrays(), momentsV: arrays(), best: arrays() }
  await writeCheckpoint(path, { state, arrays: all }, { keepsNewest: true })
  process.stdout.write(`${step}\n`)
}
