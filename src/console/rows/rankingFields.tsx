import { useEffect, useId, useRef } from 'preact/hooks'
import type { RowsState } from './rowsState.ts'

export interface RankingFieldsProps {
  state: RowsState
  onState: (state: RowsState) => void
  onRandom: () => void
}

/** For whom the list is, or where, and how far it reaches. */
export function RankingFields({ state, onState, onRandom }: RankingFieldsProps) {
  const isUser = state.side === 'users'
  const fields = useRef<HTMLFormElement>(null)
  useEffect(() => fields.current?.reset(), [JSON.stringify(state)]) // to the values below
  const take = (event: SubmitEvent): void => {
    event.preventDefault()
    const form = new FormData(event.currentTarget as HTMLFormElement)
    const text = (name: string): string => {
      const told = form.get(name)
      return typeof told === 'string' ? told.trim() : ''
    }
    const place = isUser && { latitude: Number(text('lat')), longitude: Number(text('lon')) }
    onState({
      ...state,
      ...place,
      ...(!isUser && { rankedFor: text('for') }),
      reachM: 1000 * Number(text('reach')),
    })
  }
  return (
    <form class="ranking-fields" onSubmit={take} ref={fields}>
      {isUser ? (
        <>
          <NumberField name="lat" label="Latitude" value={state.latitude} min={-90} max={90} />
          <NumberField name="lon" label="Longitude" value={state.longitude} min={-180} max={180} />
        </>
      ) : (
        <TextField name="for" label="For the user" value={state.rankedFor} />
      )}
      <NumberField name="reach" label="Reach, km" value={state.reachM / 1000} min={0.001} max={20_100} />
      <div class="actions">
        <button type="submit">Rank</button>
        <button type="button" onClick={onRandom}>
          {isUser ? 'Another place' : 'Another user'}
        </button>
      </div>
    </form>
  )
}

function NumberField(props: { name: string; label: string; value: number | null; min: number; max: number }) {
  const { name, label, value, min, max } = props
  const id = useId()
  return (
    <p>
      <label for={id}>{label}</label>
      <input
        id={id}
        name={name}
        type="number"
        step="any"
        min={min}
        max={max}
        defaultValue={value === null ? '' : String(value)}
        required
      />
    </p>
  )
}

function TextField({ name, label, value }: { name: string; label: string; value: string }) {
  const id = useId()
  return (
    <p>
      <label for={id}>{label}</label>
      <input id={id} name={name} defaultValue={value} autocomplete="off" required />
    </p>
  )
}
