import type { OptionTable } from '../options/option.ts'
import { oneOf } from '../options/schemas.ts'

const CHOICES = ['fail', 'ignore'] as const

/** What becomes of a request whose context has names that the model does not know. */
export type UnknownContext = (typeof CHOICES)[number]

/** `unknownContext`, for whoever ranks. */
export const UNKNOWN_CONTEXT_OPTION = {
  unknownContext: {
    schema: oneOf(...CHOICES),
    flag: '--unknown-context <what>',
    help: 'context the model does not know: fail (default), ignore',
  },
} satisfies OptionTable
