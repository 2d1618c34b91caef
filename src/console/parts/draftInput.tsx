import { useState } from 'preact/hooks'

export interface DraftInputProps {
  id: string
  value: string
  onCommit: (text: string) => void // when the field is left or Enter is pressed
  type?: 'text' | 'number' | 'datetime-local'
  min?: number
  max?: number
  step?: number | 'any' | undefined
  list?: string | undefined // id of a datalist
  isWrong?: boolean
  describedBy?: string | undefined // id of what is wrong
}

/** A field whose text stays while one types, whatever is drawn anew meanwhile. */
export function DraftInput({ value, onCommit, isWrong = false, describedBy, ...others }: DraftInputProps) {
  const [draft, setDraft] = useState<string | null>(null)
  return (
    <input
      {...others}
      value={draft ?? value}
      spellcheck={false}
      autocomplete="off"
      aria-invalid={isWrong}
      aria-describedby={describedBy}
      onInput={(event) => setDraft(event.currentTarget.value)}
      onBlur={() => setDraft(null)} // a text that was put back by hand is no change
      onChange={(event) => {
        setDraft(null)
        onCommit(event.currentTarget.value)
      }}
    />
  )
}
