import { messageOf } from '../errors.ts'
import { type Side, SINGULAR } from '../features/featureSpec.ts'
import { type FeatureId, type IdKind, requireId } from '../ids.ts'
import { Problem } from './problems/problems.ts'

/** The id that a path or a line of JSON names. @throws Problem BAD_ID */
export function readId(value: string | number, side: Side, kind: IdKind): FeatureId {
  try {
    return requireId(value, kind, SINGULAR[side])
  } catch (error) {
    throw new Problem('BAD_ID', messageOf(error), { cause: error })
  }
}
