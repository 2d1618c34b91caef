import type { ConsoleApi } from './api/consoleApi.ts'

/** What every view is given. */
export interface ViewProps {
  api: ConsoleApi
  params: URLSearchParams // of the address: all that somebody needs to see the same
  unknownView?: string // that the address names, and in whose place this one is shown
  setParams: (params: URLSearchParams) => void
}
