// Measures a model on the test clicks of a data set.
//   node examples/evaluate.ts DATA MODEL
import { evaluate } from 'nearrank'

const [data, model] = process.argv.slice(2)
const report = await evaluate({ data, model })
console.log(`accuracy ${report.accuracy.toFixed(4)}, majority class ${report.majorityAccuracy.toFixed(4)}`)
console.log(
  `log loss ${report.logLoss.toFixed(4)}, best possible ${report.bayesLogLoss?.toFixed(4) ?? 'unknown'}`,
)
