import type { Feature, FeatureCollection, MultiPolygon, Polygon, Position } from 'geojson'

const ROUND = 360 // degrees

/**
 * Land that crosses the 180th meridian or goes around a pole, as a flat map must have it: without an edge
 * from one side of the map to the other. What lies beyond a side is there a second time, on the other side.
 */
export function flatLand(land: FeatureCollection): Feature<MultiPolygon> {
  const polygons = land.features.flatMap(({ geometry }) => polygonsOf(geometry)).flatMap(flatPolygons)
  return { type: 'Feature', properties: {}, geometry: { type: 'MultiPolygon', coordinates: polygons } }
}

function polygonsOf(geometry: FeatureCollection['features'][number]['geometry']): Polygon['coordinates'][] {
  if (geometry.type === 'Polygon') return [geometry.coordinates]
  return geometry.type === 'MultiPolygon' ? geometry.coordinates : []
}

/** A polygon, and its copy if it reaches beyond a side of the map. */
function flatPolygons([outer, ...holes]: Position[][]): Position[][][] {
  const flat = flatRing(outer)
  const longitudes = flat.map(([longitude]) => longitude)
  const [west, east] = [Math.min(...longitudes), Math.max(...longitudes)]
  const polygon = [flat, ...holes.map((hole) => within(flatRing(hole), west, east))]
  if (east > 180) return [polygon, moved(polygon, -ROUND)]
  return west < -180 ? [polygon, moved(polygon, ROUND)] : [polygon]
}

/** A ring without jumps: it may leave −180 … 180. One around a pole is closed along the pole. */
function flatRing(ring: Position[]): Position[] {
  let shift = 0
  const flat = ring.map(([longitude, latitude], i) => {
    const step = i === 0 ? 0 : longitude - ring[i - 1][0]
    if (step > 180) shift -= ROUND
    else if (step < -180) shift += ROUND
    return [longitude + shift, latitude]
  })
  const [start, end] = [flat[0], flat[flat.length - 1]]
  if (Math.abs(end[0] - start[0]) < 180) return flat
  const pole = start[1] < 0 ? -90 : 90
  return [...flat, [end[0], pole], [start[0], pole], start]
}

/** A ring moved by whole rounds, so that it begins between two longitudes. */
function within(ring: Position[], west: number, east: number): Position[] {
  const [longitude] = ring[0]
  const rounds = longitude < west ? 1 : longitude > east ? -1 : 0
  return rounds === 0 ? ring : moved([ring], rounds * ROUND)[0]
}

function moved(rings: Position[][], degrees: number): Position[][] {
  return rings.map((ring) => ring.map(([longitude, latitude]) => [longitude + degrees, latitude]))
}
