import type { RankerMemory } from '../../src/live/ranker.ts'
import type { RankWhere } from '../../src/ranking/rankPass.ts'

/** What a thread of tornRows.test.ts is given. Change number n of a row brings it into state n mod the number of its states. */
export interface TornRowsJob {
  memory: RankerMemory
  thread: number
  rankings: number
  restaurants: number // ids 0 … restaurants − 1
  states: number // of a restaurant
  userStates: number // of the one user, id 0
  absentStates: number[] // deleted, or out of reach
  scores: Float64Array // [userStates, states, restaurants]; NaN: absent
  distancesM: Float64Array // [states, restaurants]; NaN: absent
  begun: SharedArrayBuffer // i32 [restaurants + 1]: the number of each restaurant's last change that has begun; then the user's
  done: SharedArrayBuffer // the same of the last change that is complete
  where: Omit<RankWhere, 'size' | 'sortByDistance'>
}

export interface TornRowsReport {
  problems: string[] // the first few
  rankings: number
  changedLists: number // lists during which a restaurant of theirs was changed
}
