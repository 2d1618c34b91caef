import { useEffect, useState } from 'preact/hooks'
import { NearrankApiError } from '../../client/nearrankApiError.ts'
import type { ConsoleApi } from '../api/consoleApi.ts'

const AFTER_ERROR_MS = 2000

export interface Polling<T> {
  isOn: boolean
  everyMs: number // from an answer to the next call
  call: (api: ConsoleApi, signal: AbortSignal) => Promise<T>
  take: (value: T) => void
}

/**
 * Calls again and again while `isOn`; what it was given first is what it calls. Gives the error of the last
 * call, if it failed, and goes on, but not if the key does not have the right.
 */
export function usePolling<T>(api: ConsoleApi, { isOn, everyMs, call, take }: Polling<T>): unknown {
  const [error, setError] = useState<unknown>()
  useEffect(() => {
    if (!isOn) return undefined
    const controller = new AbortController()
    const { signal } = controller
    let timer: ReturnType<typeof setTimeout> | undefined
    const poll = async (): Promise<void> => {
      let waitMs: number | undefined = everyMs
      try {
        const value = await call(api, signal)
        if (signal.aborted) return
        take(value)
        setError(undefined)
      } catch (reason) {
        if (signal.aborted) return
        setError(reason)
        waitMs = isForbidden(reason) ? undefined : AFTER_ERROR_MS
      }
      if (waitMs !== undefined) timer = setTimeout(poll, waitMs)
    }
    void poll()
    return () => {
      controller.abort()
      clearTimeout(timer)
    }
  }, [api, isOn])
  return error
}

export function isForbidden(error: unknown): boolean {
  return error instanceof NearrankApiError && (error.status === 401 || error.status === 403)
}
