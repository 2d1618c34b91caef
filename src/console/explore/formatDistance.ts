/** A distance as people say it: `820 m`, `4.3 km`, `212 km`. */
export function formatDistance(metres: number): string {
  if (metres < 995) return `${Math.round(metres / 10) * 10} m`
  const km = metres / 1000
  return `${km < 99.95 ? km.toFixed(1) : Math.round(km)} km`
}
