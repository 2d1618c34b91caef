import { useEffect, useId, useState } from 'preact/hooks'
import { DraftInput } from './draftInput.tsx'
import { numberOf } from './numberOf.ts'

export interface NumberFieldProps {
  label: string
  value: number | null
  min: number
  max: number
  step?: number // of the browser's arrows, @default any
  onValue: (value: number) => void
}

/** A number within bounds. A text that is none stays, marked, and tells nothing. */
export function NumberField({ label, value, min, max, step, onValue }: NumberFieldProps) {
  const id = useId()
  const [wrong, setWrong] = useState<string | null>(null)
  useEffect(() => setWrong(null), [value]) // told elsewhere, as by a drag on the map
  const take = (text: string): void => {
    const given = numberOf(text, min, max)
    setWrong(given === null ? text : null)
    if (given !== null) onValue(given)
  }
  return (
    <p class="field">
      <label for={id}>{label}</label>
      <DraftInput
        id={id}
        type="number"
        min={min}
        max={max}
        step={step ?? 'any'}
        value={wrong ?? String(value ?? '')}
        isWrong={wrong !== null}
        describedBy={wrong === null ? undefined : `${id}-problem`}
        onCommit={take}
      />
      {wrong !== null && (
        <span id={`${id}-problem`} class="field-problem">
          {min} to {max}
        </span>
      )}
    </p>
  )
}
