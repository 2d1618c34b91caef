/** What went wrong, for programs; the message is for people. */
export type ErrorCode =
  | 'USAGE' // a flag, option or config key is wrong: exit code 2
  | 'INPUT' // a file, column or value that was given cannot be used
  | 'DAMAGED' // a file of Nearrank's own does not match its checksum
  | 'MEMORY' // the plan does not fit --max-memory
  | 'DISK' // a write failed: disk full, no permission
  | 'NOT_FINITE' // NaN or infinity appeared in training
  | 'UNAVAILABLE' // a server that is needed cannot be reached, for now
  | 'CONFLICT' // not possible in the present state
  | 'ABORTED' // the caller's AbortSignal fired
  | 'SETUP' // a package is missing, or Node's permission model forbids what is needed
  | 'INTERNAL' // a promise of ours was broken: a bug

/**
 * An error that is meant to be read: what could not be done, what was wanted, what was found, where, what to
 * do. Everything Nearrank throws on purpose is one of these; anything else is a bug.
 */
export class NearrankError extends Error {
  readonly code: ErrorCode

  constructor(code: ErrorCode, message: string, options?: ErrorOptions) {
    super(message, options)
    this.name = 'NearrankError'
    this.code = code
  }
}

/** The text of anything thrown. */
export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}
