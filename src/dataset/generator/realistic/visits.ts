import type { Random } from '../../../random.ts'
import { drawHour, drawTimeUs } from './calendar.ts'
import { cumulative, drawIndex } from './draw.ts'
import { COMPANION_SHARES, DEVICE_SHARES, HOUR_PERIODS } from './effects.ts'
import { latitudeAround, longitudeAround, TOWN_SUMS } from './towns.ts'
import type { World } from './world.ts'

/** Who asks, when and from where. */
export interface Visit {
  user: number // row
  timeUs: bigint // since 1970
  period: number
  device: number
  companion: number
  town: number // where the user is
  latitude: number
  longitude: number
}

const AT_HOME = 0.7
const IN_OWN_TOWN = 0.22
const HOME_SPREAD_M = 500
const TOWN_SPREAD_M = 1500
const DEVICE_SUMS = cumulative(DEVICE_SHARES)
const COMPANION_SUMS = cumulative(COMPANION_SHARES)

export function emptyVisit(): Visit {
  return { user: 0, timeUs: 0n, period: 0, device: 0, companion: 0, town: 0, latitude: 0, longitude: 0 }
}

/** Draws a visit on a day: what it is made of is independent, but for the place, which is the user's. */
export function drawVisitInto(visit: Visit, world: World, random: Random, day: number): void {
  const { users, userTickets, centres } = world
  visit.user = userTickets[random.below(userTickets.length)]
  const hour = drawHour(random)
  visit.timeUs = drawTimeUs(random, day, hour)
  visit.period = HOUR_PERIODS[hour]
  visit.device = drawIndex(random, DEVICE_SUMS)
  visit.companion = drawIndex(random, COMPANION_SUMS)
  visit.town = users.towns[visit.user]
  const x = random.float()
  if (x < AT_HOME) {
    visit.latitude = latitudeAround(random, users.latitudes[visit.user], HOME_SPREAD_M)
    visit.longitude = longitudeAround(random, users.longitudes[visit.user], HOME_SPREAD_M)
    return
  }
  if (x >= AT_HOME + IN_OWN_TOWN) visit.town = drawIndex(random, TOWN_SUMS)
  visit.latitude = latitudeAround(random, centres.latitudes[visit.town], TOWN_SPREAD_M)
  visit.longitude = longitudeAround(random, centres.longitudes[visit.town], TOWN_SPREAD_M)
}
