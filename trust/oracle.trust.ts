import { Oracle, type Wish } from '../test/server/oracle.ts'
import {
  CENTRE,
  makeWorld,
  openConnections,
  rankedList,
  RESTAURANTS,
  serveWorld,
  USERS,
} from '../test/server/serverFixture.ts'
import type { Random } from '../src/random.ts'
import { counted, trust } from './trust.ts'

const CONNECTIONS = 4

trust(
  'A ranked list is the one that the exported ONNX model, run by another engine, and plain trigonometry give',
  { small: 4_000, night: 100_000 },
  async ({ random, amount }) => {
    const world = await makeWorld()
    const oracle = await Oracle.open(world.model, world)
    const { port } = await serveWorld(world)
    const connections = await openConnections(port, CONNECTIONS)
    let ranked = 0
    for (let i = 0; i < amount; i++) {
      const user = random.below(USERS)
      const wish = someWish(random)
      const found = await rankedList(connections[i % CONNECTIONS], user, wish)
      await oracle.assertRanked(found, user, wish)
      ranked += found.length
    }
    return `${counted(amount)} requests, ${counted(ranked)} ranked places: members, order, scores within 1e-5 and distances within a millimetre are right`
  },
)

function someWish(random: Random): Wish {
  const candidates = Array.from({ length: random.below(600) }, () => random.below(RESTAURANTS + 50))
  const is = (share: number) => random.float() < share
  return {
    latitude: CENTRE.latitude + 0.3 * (random.float() - 0.5),
    longitude: CENTRE.longitude + 0.3 * (random.float() - 0.5),
    ...(is(0.7) && { candidate_restaurant_ids: candidates }),
    ...(is(0.7) && { size: 1 + random.below(400) }),
    ...(is(0.8) && { max_dist: 30_000 * random.float() }),
    ...(is(0.5) && { sort_dist: is(0.5) }),
  }
}
