// Child process of crash.test.ts: saves models one after the other until it is killed.
import { saveModel } from '../../src/model/modelDirectory.ts'
import { modelContent, randomWeights, SMALL_NETWORK } from './modelFixtures.ts'

const [directory, firstSeed] = process.argv.slice(2)
for (let seed = Number(firstSeed); ; seed++) {
  await saveModel(directory, {
    description: modelContent(SMALL_NETWORK, seed),
    weights: randomWeights(SMALL_NETWORK, seed),
    report: `# Model ${seed}\n`,
    page: `<h1>Model ${seed}</h1>\n`,
  })
  process.stdout.write(`${seed}\n`) // the parent may rely on this model, or a later one
}
