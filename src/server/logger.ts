import { type DestinationStream, destination as fileDestination, type Logger, pino } from 'pino'

export const LOG_LEVELS = ['fatal', 'error', 'warn', 'info', 'debug', 'trace', 'silent'] as const
export type LogLevel = (typeof LOG_LEVELS)[number]

const STANDARD_ERROR = 2
const SECRETS = ['authorization', '["x-api-key"]', 'cookie']
const PREFIXES = ['', 'headers.', 'req.headers.', 'request.headers.']

/** A logger that writes lines of JSON, without credentials, to `destination`: by default standard error. */
export function createLogger({
  level,
  destination = fileDestination(STANDARD_ERROR),
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
