import { useId } from 'preact/hooks'
import type { ModelFeature } from '../api/modelFeatures.ts'
import { DraftInput } from '../parts/draftInput.tsx'

const CHOICES_MAX = 60 // of a list; further values are suggested while one types

interface ContextFieldProps {
  feature: ModelFeature
  texts: readonly string[]
  onTexts: (texts: string[]) => void
}

/** The input of one feature of the context. Empty: it is not told. */
export function ContextField(props: ContextFieldProps) {
  const { feature } = props
  const { values = [], kind } = feature
  if (kind === 'categories' && values.length > 0 && values.length <= CHOICES_MAX)
    return <Choices {...props} />
  if (kind === 'category' && values.length > 0 && values.length <= CHOICES_MAX) return <Choice {...props} />
  return <Text {...props} />
}

function Choice({ feature, texts, onTexts }: ContextFieldProps) {
  const id = useId()
  const { name, values = [] } = feature
  const [chosen = ''] = texts
  const known = chosen === '' || values.includes(chosen) ? values : [...values, chosen]
  return (
    <p class="field">
      <label for={id}>{name}</label>
      <select id={id} value={chosen} onChange={(event) => onTexts(textsOf(event.currentTarget.value))}>
        <option value="">not told</option>
        {known.map((value) => (
          <option key={value} value={value}>
            {value}
          </option>
        ))}
      </select>
    </p>
  )
}

function Choices({ feature: { name, values = [] }, texts, onTexts }: ContextFieldProps) {
  const toggled = (value: string) =>
    texts.includes(value) ? texts.filter((one) => one !== value) : [...texts, value]
  return (
    <fieldset class="field choices">
      <legend class="label">{name}</legend>
      {values.map((value) => (
        <label key={value}>
          <input type="checkbox" checked={texts.includes(value)} onChange={() => onTexts(toggled(value))} />
          {value}
        </label>
      ))}
    </fieldset>
  )
}

function Text({ feature, texts, onTexts }: ContextFieldProps) {
  const id = useId()
  const { name, kind, values = [] } = feature
  const isList = kind === 'categories'
  const take = (text: string): void => onTexts(isList ? text.split(',').flatMap(textsOf) : textsOf(text))
  return (
    <p class={kind === 'time' ? 'field is-wide' : 'field'}>
      <label for={id}>
        {name}
        <span class="hint">{HINTS[kind]}</span>
      </label>
      <DraftInput
        id={id}
        type={kind === 'number' ? 'number' : kind === 'time' ? 'datetime-local' : 'text'}
        step={kind === 'number' ? 'any' : undefined}
        list={values.length > 0 ? `${id}-values` : undefined}
        value={texts.join(', ')}
        onCommit={take}
      />
      {values.length > 0 && (
        <datalist id={`${id}-values`}>
          {values.map((value) => (
            <option key={value} value={value} />
          ))}
        </datalist>
      )}
    </p>
  )
}

const HINTS: Readonly<Record<ModelFeature['kind'], string>> = {
  number: '',
  category: '',
  categories: ' separated by commas',
  text: '',
  vector: ' numbers, separated by commas',
  time: ' UTC; now if empty',
  cell: ' latitude, longitude',
}

function textsOf(text: string): string[] {
  return text.trim() === '' ? [] : [text.trim()]
}
