/** What the scores of a model are: probabilities of a click, unless only their order means anything. */
export type Scores = 'order' | undefined

/**
 * The score of a logit, from 0 to 1: of a model that learned probabilities, that of a click. Losses of the
 * order make logits as large as they like, whose probabilities would all be 1 as float32 beyond 17. Theirs is
 * (1 + x / (1 + |x|)) / 2, which tells them apart.
 */
export function scoreOf(logit: number, scores: Scores): number {
  return scores === 'order' ? (1 + logit / (1 + Math.abs(logit))) / 2 : 1 / (1 + Math.exp(-logit))
}
