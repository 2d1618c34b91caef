import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { smallData, temporaryFolder } from '../test/training/dataFixture.ts'
import { trainProcess } from '../test/training/trainProcess.ts'
import { counted, trust } from './trust.ts'

const OTHER_NODE = 'node@24'

trust(
  'The same data and settings give the same bytes of weights, with any number of threads and any --turbo',
  { small: 2, night: 20 }, // networks
  async ({ random, amount, isNight }) => {
    const { data, folder } = await smallData({ rows: 20_000, files: 3 })
    const nodes = isNight ? [process.execPath, await otherNode()] : [process.execPath]
    let runs = 0
    const weightsOf = async (settings: string[], node: string) => {
      const out = join(folder, `model-${runs++}`)
      const run = trainProcess(['--data', data, '--out', out, ...settings], { node })
      assert.equal(await run.ended, 0, `${settings.join(' ')}: ${run.said()}`)
      return createHash('sha256')
        .update(await readFile(join(out, 'weights.safetensors')))
        .digest('hex')
    }
    for (let network = 0; network < amount; network++) {
      const hidden = Array.from({ length: 1 + random.below(3) }, () => 1 + random.below(90)).join(',')
      const settings = `--hidden ${hidden} --batch-size ${1 + random.below(700)} --epochs 2 --seed ${network}`
      const first = await weightsOf([...settings.split(' '), '--threads', '1'], nodes[0])
      for (const node of nodes)
        for (const [threads, turbo] of [
          [1, 'on'],
          [2, 'off'],
          [2, 'on'],
          [isNight ? 7 : 5, 'off'],
        ])
          assert.equal(
            await weightsOf([...settings.split(' '), '--threads', `${threads}`, '--turbo', `${turbo}`], node),
            first,
            `${settings}, ${threads} threads, turbo ${turbo}, ${node}`,
          )
    }
    return `${counted(runs)} trainings of ${amount} random networks with 1 to ${isNight ? 7 : 5} threads, with and without --turbo${isNight ? `, Node ${process.versions.node} and ${OTHER_NODE}` : ''}: one SHA-256 for each network`
  },
)

/** The path of another Node, from the registry. */
async function otherNode(): Promise<string> {
  const folder = await temporaryFolder()
  execFileSync('npm', ['install', '--prefix', folder, '--no-audit', '--no-fund', OTHER_NODE], {
    stdio: 'pipe',
  })
  return join(folder, 'node_modules/node/bin/node')
}
