import type { LiveRanker, RankerMemory } from '../../../live/ranker.ts'
import { openLiveTables } from '../../../live/tables.ts'
import { AnswerWriter } from './answerWriter.ts'

const REQUESTS = 200
const CANDIDATES_MAX = 1000

/** Ranks for some users before anybody asks: optimised code serves the first who does. At most 50 ms. */
export function warmUp(ranker: LiveRanker, memory: RankerMemory): void {
  const { users, restaurants, degrees } = openLiveTables(memory.live)
  if (users.ids.rows === 0 || restaurants.ids.rows === 0) return
  const candidates = Math.min(restaurants.ids.rows, CANDIDATES_MAX)
  const writer = new AnswerWriter()
  const pick = (i: number, rows: number) => Math.floor((i * 0.618_034 * rows) % rows)
  for (let i = 0; i < REQUESTS; i++) {
    const near = pick(i, restaurants.ids.rows)
    const request = {
      candidateRestaurantIds: Array.from({ length: candidates }, (_, k) =>
        restaurants.ids.idAt(pick(i + k, restaurants.ids.rows)),
      ),
      latitude: degrees[2 * near],
      longitude: degrees[2 * near + 1],
      size: 100,
      maxDistM: i % 2 === 0 ? 5000 : 50_000,
      sortByDistance: i % 3 === 0,
    }
    if (!ranker.setUser(users.ids.idAt(pick(i, users.ids.rows)))) continue
    const list = ranker.rank(request)
    if (list) writer.write(ranker, list)
  }
}
