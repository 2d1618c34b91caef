import type { Random } from '../../../random.ts'
import { drawIndex, drawTickets } from './draw.ts'
import { sharedFloat64, sharedUint8 } from './shared.ts'
import { type Centres, latitudeAround, longitudeAround, TOWN_SUMS } from './towns.ts'

/** What users and restaurants have in common, on shared memory: 18 bytes each. */
export interface Placed {
  latitudes: Float64Array // degrees
  longitudes: Float64Array
  towns: Uint8Array
  tickets: Uint8Array // how often they come or are shown
}

export function emptyPlaced(rows: number): Placed {
  return {
    latitudes: sharedFloat64(rows),
    longitudes: sharedFloat64(rows),
    towns: sharedUint8(rows),
    tickets: sharedUint8(rows),
  }
}

/** Draws the town of a row, a place around its centre, and how popular the row is. */
export function drawPlacedInto(
  placed: Placed,
  row: number,
  random: Random,
  { centres, spreadM }: { centres: Centres; spreadM: number },
): void {
  const town = drawIndex(random, TOWN_SUMS)
  placed.towns[row] = town
  placed.latitudes[row] = latitudeAround(random, centres.latitudes[town], spreadM)
  placed.longitudes[row] = longitudeAround(random, centres.longitudes[town], spreadM)
  placed.tickets[row] = drawTickets(random)
}

/**
 * Every second row is the twin of the one before: all columns and the place are the same, only what its id
 * adds to the logit is the opposite. So nobody learns from the columns, however precisely they tell rows
 * apart, what an id adds, and the ceiling without ids holds for every model that has none.
 */
export function isTwin(row: number): boolean {
  return row % 2 === 1
}

/** Makes a row what the one before is. */
export function copyBefore(columns: Placed, row: number): void {
  for (const column of Object.values(columns) as Float64Array[]) column[row] = column[row - 1]
}
