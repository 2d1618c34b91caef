import { type DestinationStream, destination as fileDestination, type Logger, pino } from 'pino'

export const LOG_LEVELS = ['fatal', 'error', 'warn', 'info', 'debug', 'trace', 'silent'] as const
export type LogLevel = (typeof LOG_LEVELS)[number]

const STANDARD_ERROR = 2
const SECRETS = ['authorization', '["x-api-key"]', 'cookie']
const PLACES = ['', 'headers.', 'req.headers.', 'request.headers.']

/** A logger that writes lines of JSON, to standard error unless `destination` says otherwise. No credential gets into them. */
export function createLogger({
  level,
  destination = fileDestination(STANDARD_ERROR),
}: {
  level: LogLevel
  destination?: DestinationStream
}): Logger {
  const paths = PLACES.flatMap((place) => SECRETS.map((secret) => `${place}${secret}`.replace('.[', '[')))
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
