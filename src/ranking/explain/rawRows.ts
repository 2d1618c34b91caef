import { type FeatureSpec, isOwnId, isOwnPlace } from '../../features/featureSpec.ts'
import { shortestFloat32 } from '../../features/featureValues.ts'
import { type RawRow, valueOf } from '../../features/rawRow.ts'
import type { RawValue } from '../../features/values.ts'
import type { FeatureId } from '../../ids.ts'
import type { RequestContext } from '../contextEncoder.ts'

/** The values of a row that is a vector of plain numbers. */
export function vectorValues(features: readonly FeatureSpec[], vector: Float32Array): RawRow {
  return Object.fromEntries(features.map(({ name }, i) => [name, shortestFloat32(vector[i])]))
}

/** A row with its id and its place, if they are features. */
export function withOwn(
  features: readonly FeatureSpec[],
  values: RawRow,
  { id, place }: { id?: FeatureId; place?: { latitude: number; longitude: number } },
): RawRow {
  const own = features.flatMap((feature): [string, RawValue][] => {
    if (isOwnId(feature)) return [[feature.name, id]]
    if (isOwnPlace(feature)) return [[feature.name, place && [place.latitude, place.longitude]]]
    return []
  })
  return { ...values, ...Object.fromEntries(own) }
}

/** What a request tells, with the moment that times default to. */
export function withNow(features: readonly FeatureSpec[], context: RequestContext, now: Date): RawRow {
  const times = features.filter(({ name, kind }) => kind === 'time' && valueOf(context, name) === undefined)
  return { ...context, ...Object.fromEntries(times.map(({ name }) => [name, now.toISOString()])) }
}
