import { useEffect, useState } from 'preact/hooks'

/** What has come of a call. While it is made again, `value` is what was answered before. */
export interface CallState<T> {
  value?: T
  error?: unknown
  isRunning: boolean
  again: () => void
}

/**
 * Makes a call now, and again whenever one of `inputs` changes; the one before is then aborted.
 * undefined in place of a call: there is nothing to ask yet.
 */
export function useCall<T>(
  call: ((signal: AbortSignal) => Promise<T>) | undefined,
  inputs: readonly unknown[],
): CallState<T> {
  const [state, setState] = useState<Omit<CallState<T>, 'again'>>({ isRunning: call !== undefined })
  const [round, setRound] = useState(0)
  useEffect(() => {
    if (!call) return undefined
    const controller = new AbortController()
    const { signal } = controller
    setState(({ value }) => ({ isRunning: true, ...(value !== undefined && { value }) }))
    call(signal).then(
      (value) => signal.aborted || setState({ value, isRunning: false }),
      (error: unknown) => signal.aborted || setState({ error, isRunning: false }),
    )
    return () => controller.abort()
  }, [...inputs, round])
  return { ...state, again: () => setRound(round + 1) }
}
