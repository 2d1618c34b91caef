import { parentPort, workerData } from 'node:worker_threads'
import { LiveRanker, type RankedList } from '../../src/live/ranker.ts'
import type { TornRowsJob, TornRowsReport } from './tornRowsJob.ts'

// A thread that ranks while another one writes, and checks that every list could have been: see tornRows.test.ts.
const job = workerData as TornRowsJob
const { restaurants, states, userStates, rankings, where } = job
const ranker = new LiveRanker(job.memory, job.thread)
const begun = new Int32Array(job.begun)
const done = new Int32Array(job.done)
const ids = Array.from({ length: restaurants }, (_, id) => id)
const first = new Int32Array(restaurants) // the last change of each restaurant that was complete when the ranking began
const rankOf = new Int32Array(restaurants)
const report: TornRowsReport = { problems: [], rankings: 0, changedLists: 0 }

for (; report.rankings < rankings && report.problems.length < 5; report.rankings++) {
  const sortByDistance = report.rankings % 2 === 1
  const candidateRestaurantIds = report.rankings % 4 < 2 ? ids : null
  const firstOfUser = Atomics.load(done, restaurants)
  if (!ranker.setUser(0)) report.problems.push('the user is not there')
  const lastOfUser = Atomics.load(begun, restaurants)
  for (const id of ids) first[id] = Atomics.load(done, id)
  const list = ranker.rank({ ...where, size: restaurants, sortByDistance, candidateRestaurantIds })
  if (list === undefined) report.problems.push('a score is not finite')
  else check(list, sortByDistance, (state) => mayBe(state, firstOfUser, lastOfUser, userStates))
}
parentPort?.postMessage(report)

function check(list: RankedList, sortByDistance: boolean, mayBeUser: (state: number) => boolean): void {
  const { problems } = report
  rankOf.fill(-1)
  let userState = -1
  let isChanging = false
  for (let i = 0; i < list.count; i++) {
    const id = Number(ranker.idAt(list.rows[i]))
    if (rankOf[id] >= 0) problems.push(`restaurant ${id} twice`)
    rankOf[id] = i
    const state = stateAt(id, list.distancesM[i])
    if (state < 0) {
      problems.push(`restaurant ${id}: ${list.distancesM[i]} m is no distance it ever had`)
      continue
    }
    const last = Atomics.load(begun, id)
    isChanging ||= last !== first[id]
    if (!mayBe(state, first[id], last, states))
      problems.push(`restaurant ${id}: state ${state}, but changes ${first[id]} … ${last}`)
    // All scores of a list are those of one state of the user.
    if (userState < 0) userState = userStateAt(id, state, list.scores[i])
    if (userState < 0 || job.scores[(userState * states + state) * restaurants + id] !== list.scores[i])
      problems.push(`restaurant ${id}: no score of its state ${state} and the user's ${userState}`)
    if (i === 0) continue
    const inOrder = sortByDistance
      ? list.distancesM[i - 1] <= list.distancesM[i]
      : list.scores[i - 1] >= list.scores[i]
    if (!inOrder) problems.push(`position ${i} is not in its order`)
  }
  if (userState >= 0 && !mayBeUser(userState))
    problems.push(`the user's state ${userState} is too old or too new`)
  for (const id of ids)
    if (rankOf[id] < 0) {
      const last = Atomics.load(begun, id)
      if (!job.absentStates.some((state) => mayBe(state, first[id], last, states)))
        problems.push(`restaurant ${id} is missing, changes ${first[id]} … ${last}`)
    }
  if (isChanging) report.changedLists++
}

/** Whether one of the changes `from … to` made this state. */
function mayBe(state: number, from: number, to: number, count: number): boolean {
  return (state - (from % count) + count) % count <= to - from
}

function stateAt(id: number, distanceM: number): number {
  for (let state = 0; state < states; state++)
    if (job.distancesM[state * restaurants + id] === distanceM) return state
  return -1
}

function userStateAt(id: number, state: number, score: number): number {
  for (let user = 0; user < userStates; user++)
    if (job.scores[(user * states + state) * restaurants + id] === score) return user
  return -1
}
