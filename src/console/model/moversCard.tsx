import { useEffect, useRef, useState } from 'preact/hooks'
import type { ConsoleApi } from '../api/consoleApi.ts'
import { ErrorNote } from '../parts/errorNote.tsx'
import { measureMovers, type Movers } from './scoreMovers.ts'

const SHOWN_MAX = 20

type State = { share: number } | { movers: Movers } | { error: unknown } | undefined

/** Which features move scores most, measured when somebody asks. */
export function MoversCard({ api }: { api: ConsoleApi }) {
  const [state, setState] = useState<State>()
  const running = useRef<AbortController>(undefined)
  useEffect(() => () => running.current?.abort(), [api])
  const isRunning = state !== undefined && 'share' in state
  const measure = (): void => {
    if (isRunning) return
    const { signal } = (running.current = new AbortController())
    const set = (next: State) => signal.aborted || setState(next)
    set({ share: 0 })
    measureMovers(api, { signal, progress: (share) => set({ share }) }).then(
      (movers) => set({ movers }),
      (error: unknown) => set({ error }),
    )
  }
  return (
    <section class="card" aria-labelledby="model-movers">
      <h2 id="model-movers">What moves scores</h2>
      <p class="note">
        The effects of each feature in explained lists of random users at random restaurants, on average. The
        server makes them on its main thread, so it takes some seconds.
      </p>
      <p class="actions">
        <button type="button" onClick={measure} aria-disabled={isRunning}>
          {isRunning ? `Measuring, ${Math.round(100 * state.share)} %` : 'Measure'}
        </button>
      </p>
      <div aria-live="polite">
        {state && 'error' in state && <ErrorNote error={state.error} />}
        {state && 'movers' in state && <MoverBars {...state.movers} />}
      </div>
    </section>
  )
}

function MoverBars({ lists, restaurants, movers }: Movers) {
  const largest = movers[0]?.effect ?? 0
  if (largest === 0) return <p>No feature moved a score of {restaurants} restaurants.</p>
  return (
    <>
      <table class="bars">
        <caption class="note">
          Mean absolute effect on the logit, of {restaurants} restaurants in {lists} lists
          {movers.length > SHOWN_MAX && `; the first ${SHOWN_MAX} of ${movers.length} features`}
        </caption>
        <tbody>
          {movers.slice(0, SHOWN_MAX).map(({ feature, effect }) => (
            <tr key={feature}>
              <th scope="row">{feature}</th>
              <td class="mover-bar">
                <svg viewBox="0 0 100 10" preserveAspectRatio="none" aria-hidden="true">
                  <rect width={(100 * effect) / largest} height="10" />
                </svg>
              </td>
              <td class="number">{effect.toFixed(3)}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </>
  )
}
