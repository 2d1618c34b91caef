/** Nodes and weights of the Gauss–Hermite rule of 5 points for a standard normal: exact to degree 9. */
const NODES = [-2.8569700138728056, -1.3556261799742659, 0, 1.3556261799742659, 2.8569700138728056]
const WEIGHTS = [
  0.011257411327720691, 0.22207592200561266, 0.53333333333333333, 0.22207592200561266, 0.011257411327720691,
]

/**
 * P(click) of a pair whose score is `score + noise · N(0, 1)`: the mean of the sigmoid over the noise. With
 * noise 0.1 the rule is off by less than 1e-12.
 */
export function clickProbability(score: number, noise: number): number {
  let sum = 0
  for (let i = 0; i < NODES.length; i++) sum += WEIGHTS[i] / (1 + Math.exp(-(score + noise * NODES[i])))
  return sum
}

/** What the best predictor of clicks of probability `p` gets right, on average. */
export function bestAccuracy(p: number): number {
  return p >= 0.5 ? p : 1 - p
}

/** The log loss of the best predictor: the entropy, in nats. */
export function bestLogLoss(p: number): number {
  return 0 - xLogX(p) - xLogX(1 - p)
}

function xLogX(x: number): number {
  return x > 0 ? x * Math.log(x) : 0
}
