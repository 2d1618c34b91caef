// Trains on a folder of Parquet files, shows progress, and can be stopped with Ctrl+C and run again to go on.
//   node examples/train.ts DATA MODEL
import { train } from 'nearrank'

const [data, out] = process.argv.slice(2)
const controller = new AbortController()
process.once('SIGINT', () => controller.abort())

const result = await train({
  data,
  out,
  epochs: 2,
  resume: true, // from the checkpoint of an earlier, stopped run; without one, from the beginning
  signal: controller.signal,
  onProgress: (event) => {
    if (event.type === 'epoch') {
      const { epoch, loss, rowsPerSecond } = event.epoch
      console.log(`epoch ${epoch}: loss ${loss.toFixed(4)}, ${Math.round(rowsPerSecond)} rows/s`)
    }
  },
})
console.log(`accuracy on the test set: ${result.test?.accuracy.toFixed(4) ?? 'no test set'}`)
