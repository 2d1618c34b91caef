// Trains on tables as they are: texts, lists, nulls, ids with other names. The data are the restaurants of UCI,
// in examples/uci-restaurants (the README there tells the source and the licence).
//   node examples/realTables.ts DATA MODEL
import { inspect, train } from 'nearrank'

const [data, out] = process.argv.slice(2)
const columns = { userId: 'userID', restaurantId: 'placeID' }

const { features, warnings } = await inspect({ data, columns })
for (const { message } of warnings) console.log(`! ${message}`)
console.log(`${Object.keys(features).length} features`)

// 928 clicks are few: small batches, many epochs, and all of them to learn from.
const settings = { batchSize: 64, epochs: 20, warmupSteps: 10, validation: 0 }
const { test } = await train({ data, out, columns, ...settings })
console.log(`accuracy ${test?.accuracy.toFixed(4)}, majority class ${test?.majorityAccuracy.toFixed(4)}`)
