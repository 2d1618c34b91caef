import type { RestaurantRow } from '../api/rows.ts'

/** Near the restaurant that is nearest to the middle of all; undefined: there are none. */
export function middleOf(
  restaurants: readonly Pick<RestaurantRow, 'latitude' | 'longitude'>[],
): { latitude: number; longitude: number } | undefined {
  const latitude = median(restaurants.map((one) => one.latitude))
  const longitude = median(restaurants.map((one) => one.longitude))
  const farness = (one: (typeof restaurants)[number]) =>
    (one.latitude - latitude) ** 2 + (one.longitude - longitude) ** 2
  const [middle] = restaurants.toSorted((a, b) => farness(a) - farness(b))
  return middle && { latitude: rounded(middle.latitude), longitude: rounded(middle.longitude) }
}

function median(values: number[]): number {
  return values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)]
}

/** To about a kilometre: not on top of the restaurant's own pin. */
function rounded(degrees: number): number {
  return Math.round(degrees * 100) / 100
}
