import { Type } from '../../schema.ts'
import { ID_CHARS_MAX, idPattern, type IdKind, wantedId } from '../../ids.ts'

/** The id in a path, decoded, as the documentation shows it. */
export function idParam(kind: IdKind, of: 'user' | 'restaurant') {
  return Type.String({
    minLength: 1,
    maxLength: ID_CHARS_MAX,
    pattern: idPattern(kind, of),
    description: wantedId(kind, of),
  })
}
