// Loads a model and ranks restaurants that this program knows itself: no data set is needed.
//   node examples/rank.ts MODEL
import { loadModel, Ranker } from 'nearrank'

const [directory] = process.argv.slice(2)
const { description, weights } = await loadModel(directory)
const { network } = description

const restaurants = ['Baan', 'Thip', 'Jay'] // three of them, within a kilometre or so
const ranker = new Ranker({
  network,
  weights,
  restaurantFeatures: new Float32Array(restaurants.length * network.restaurantFeatures).map((_, i) =>
    Math.sin(i),
  ),
  latitude: Float64Array.of(13.75, 13.752, 13.758),
  longitude: Float64Array.of(100.5, 100.501, 100.507),
  idOf: (row) => restaurants[row],
})
const user = new Float32Array(network.userFeatures).map((_, i) => Math.cos(i))
const answer = ranker.rank(user, { candidateRows: [0, 1, 2], latitude: 13.75, longitude: 100.5, size: 2 })
console.log(JSON.stringify(answer))
