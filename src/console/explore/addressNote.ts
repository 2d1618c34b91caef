import { shown } from '../../shown.ts'
import { VIEW_NAMES } from '../address.ts'
import { numberOf } from '../parts/numberOf.ts'
import { DEFAULT_REACH_M, DEFAULT_SIZE, LIMITS } from './exploreState.ts'

/** What of an address could not be used, and what is shown instead; '': all of it is. */
export function addressNote(params: URLSearchParams, unknownView?: string): string {
  if (unknownView !== undefined)
    return `The address asks for the view ${shown(unknownView)}, but there are only ${VIEW_NAMES.join(', ')}: this is explore.`
  const place = params.has('lat') || params.has('lon') ? wrongNumbers(params, ['lat', 'lon']) : []
  const reach = params.has('reach') ? wrongNumbers(params, ['reach']) : []
  const size = params.has('size') ? wrongNumbers(params, ['size']) : []
  const order = params.get('order') ?? 'score'
  const isOrder = order === 'score' || order === 'distance'
  const wrong = [
    ...place,
    ...reach,
    ...size,
    ...(isOrder ? [] : [`order must be score or distance, found ${shown(order)}`]),
  ]
  if (wrong.length === 0) return ''
  const instead = [
    ...(place.length > 0 ? ['a place among the restaurants'] : []),
    ...(reach.length > 0 ? [`a reach of ${DEFAULT_REACH_M / 1000} km`] : []),
    ...(size.length > 0 ? [`at most ${DEFAULT_SIZE} restaurants`] : []),
    ...(isOrder ? [] : ['the best first']),
  ]
  return `The address cannot be used as it is: ${wrong.join('; ')}. Shown instead: ${instead.join(', ')}.`
}

function wrongNumbers(params: URLSearchParams, names: readonly (keyof typeof LIMITS)[]): string[] {
  return names.flatMap((name) => {
    const [min, max] = LIMITS[name]
    const given = params.get(name)
    if (numberOf(given, min, max) !== null) return []
    return [`${name} must be a number from ${min} to ${max}, found ${given === null ? 'none' : shown(given)}`]
  })
}
