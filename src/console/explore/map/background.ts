import type { Feature, MultiLineString, MultiPolygon } from 'geojson'
import { feature, mesh } from 'topojson-client'
import type { GeometryCollection, Topology } from 'topojson-specification'
import { flatLand } from './flatLand.ts'

/** Coast lines and borders of Natural Earth, 1 : 50 million. */
export interface Background {
  land: Feature<MultiPolygon>
  borders: MultiLineString
}

/** Loads what ships with the package: 0.2 MB, once the rest of the view is there. */
export async function loadBackground(): Promise<Background> {
  const { default: loaded } = await import('world-atlas/countries-50m.json', { with: { type: 'json' } })
  const atlas = loaded as unknown as Topology<Record<'land' | 'countries', GeometryCollection>>
  const { land, countries } = atlas.objects
  return { land: flatLand(feature(atlas, land)), borders: mesh(atlas, countries, (a, b) => a !== b) }
}
