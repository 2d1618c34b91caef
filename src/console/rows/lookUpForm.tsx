import { useEffect, useRef, useState } from 'preact/hooks'
import type { ConsoleApi } from '../api/consoleApi.ts'
import { sampleRestaurants, sampleUser } from '../api/rows.ts'
import { ErrorNote } from '../parts/errorNote.tsx'
import type { Side } from './rowsState.ts'
import { SIDE_NAMES } from './storedRow.ts'

export interface LookUpFormProps {
  api: ConsoleApi
  side: Side
  id: string
  onLookUp: (side: Side, id: string) => void
}

const SIDES: readonly Side[] = ['users', 'restaurants']

/** Asks which row to show. */
export function LookUpForm({ api, side: shownSide, id, onLookUp }: LookUpFormProps) {
  const [side, setSide] = useState(shownSide)
  const [error, setError] = useState<unknown>()
  const field = useRef<HTMLInputElement>(null)
  useEffect(() => {
    setSide(shownSide)
    if (field.current) field.current.value = id
  }, [shownSide, id])
  const look = (event: SubmitEvent): void => {
    event.preventDefault()
    const given = field.current?.value.trim() ?? ''
    setError(undefined)
    if (given !== '') onLookUp(side, given)
  }
  const random = async (): Promise<void> => {
    setError(undefined)
    try {
      const row = side === 'users' ? await sampleUser(api) : (await sampleRestaurants(api, 1))[0]
      if (!row) throw new Error(`The server has no ${side} that it can rank with.`)
      onLookUp(side, String(row.id))
    } catch (reason) {
      setError(reason)
    }
  }
  return (
    <>
      <form class="card row-form" onSubmit={look}>
        <fieldset class="sides">
          <legend class="visually-hidden">Kind of row</legend>
          {SIDES.map((one) => (
            <label key={one}>
              <input type="radio" name="side" checked={one === side} onChange={() => setSide(one)} />
              {SIDE_NAMES[one]}
            </label>
          ))}
        </fieldset>
        <p class="row-id">
          <label for="rows-id">Id of the {SIDE_NAMES[side]}</label>
          <input id="rows-id" ref={field} defaultValue={id} autocomplete="off" required />
        </p>
        <div class="actions">
          <button type="submit" class="primary">
            Look up
          </button>
          <button type="button" onClick={() => void random()}>
            Random {SIDE_NAMES[side]}
          </button>
        </div>
      </form>
      {error !== undefined && <ErrorNote error={error} />}
    </>
  )
}
