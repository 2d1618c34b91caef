import { writeSync } from 'node:fs'
import { type DestinationStream, type Logger, pino } from 'pino'

export const LOG_LEVELS = ['fatal', 'error', 'warn', 'info', 'debug', 'trace', 'silent'] as const
export type LogLevel = (typeof LOG_LEVELS)[number]

const STANDARD_ERROR = 2
const SECRETS = ['authorization', '["x-api-key"]', 'cookie']
const PREFIXES = ['', 'headers.', 'req.headers.', 'request.headers.']

let lost = 0

/** Lines that could not be written since the start of the process. */
export function lostLogLines(): number {
  return lost
}

/**
 * Loses the lines that cannot be written, because the disk is full or the terminal gone: a server goes on
 * without its log. pino's own destination would try again for ever.
 */
const standardError: DestinationStream = {
  write: (line) => {
    try {
      writeSync(STANDARD_ERROR, line)
    } catch {
      lost++
    }
  },
}

/** A logger that writes lines of JSON, without credentials, to `destination`: by default standard error. */
export function createLogger({
  level,
  destination = standardError,
}: {
  level: LogLevel
  destination?: DestinationStream
}): Logger {
  const paths = PREFIXES.flatMap((prefix) => SECRETS.map((secret) => `${prefix}${secret}`.replace('.[', '[')))
  return pino(
    {
      level,
      base: { pid: process.pid },
      timestamp: pino.stdTimeFunctions.isoTime,
      formatters: { level: (label) => ({ level: label }) },
      redact: { paths, censor: '[redacted]' },
    },
    destination,
  )
}
