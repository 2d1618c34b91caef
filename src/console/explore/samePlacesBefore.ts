const DIGITS = 4 // of a degree: about ten metres, less than a pin at any zoom

/** Of each place, how many of those before it are the same one on a map. */
export function samePlacesBefore(places: readonly { latitude: number; longitude: number }[]): number[] {
  const counts = new Map<string, number>()
  return places.map(({ latitude, longitude }) => {
    const place = `${latitude.toFixed(DIGITS)} ${longitude.toFixed(DIGITS)}`
    const before = counts.get(place) ?? 0
    counts.set(place, before + 1)
    return before
  })
}
