import { haversineM } from '../test/server/oracle.ts'
import type { RawConnection } from '../test/server/rawConnection.ts'
import { CENTRE, NETWORK, rankedList } from '../test/server/serverFixture.ts'

const DEGREES = 1e-4 // northward from one version to the next: eleven metres
const STEP_M = haversineM(CENTRE, { ...CENTRE, latitude: CENTRE.latitude + DEGREES })

/** Version n of a restaurant: it lies n steps north of the centre, by which a ranking tells the version. */
export function versionedRow(version: number) {
  const features = Array.from({ length: NETWORK.restaurantFeatures }, () => version)
  return { ...CENTRE, latitude: CENTRE.latitude + version * DEGREES, features }
}

/** The version of a restaurant by which a server ranks for user 1. */
export async function rankedVersion(connection: RawConnection, id: number): Promise<number | 'absent'> {
  const wish = { ...CENTRE, candidate_restaurant_ids: [id], max_dist: 1e7 }
  const [place] = await rankedList(connection, 1, wish)
  return place === undefined ? 'absent' : Math.round(place.displacement / STEP_M)
}

/** The version that a latitude tells. */
export function versionOf(latitude: number): number {
  return Math.round((latitude - CENTRE.latitude) / DEGREES)
}
