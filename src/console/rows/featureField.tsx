import { useId, useState } from 'preact/hooks'
import type { ModelFeature } from '../api/modelFeatures.ts'
import { type Draft, timeInput } from './drafts.ts'

export interface FeatureFieldProps {
  feature: ModelFeature
  draft: Draft
  stored: Draft // as it was: shown if it is another
  problem: string // '': none
  onDraft: (draft: Draft) => void
}

const HINTS: Readonly<Record<ModelFeature['kind'], string>> = {
  number: 'number',
  category: 'category',
  categories: 'categories',
  text: 'text',
  vector: 'numbers, separated by commas',
  time: 'time, UTC',
  cell: 'latitude, longitude',
}

/** The input of one feature, by its kind. */
export function FeatureField(props: FeatureFieldProps) {
  const { feature, draft, stored, problem, onDraft } = props
  const id = useId()
  const isChanged = String(draft) !== String(stored)
  const texts = [
    HINTS[feature.kind] + (feature.mayBeMissing ? '' : ', required'),
    ...(isChanged ? [`changed, was ${String(stored) === '' ? 'missing' : shownDraft(stored)}`] : []),
  ]
  return (
    <div class={isChanged ? 'row-field changed' : 'row-field'}>
      <label for={id}>{feature.name}</label>
      {typeof draft === 'string' ? (
        <SingleInput {...props} id={id} draft={draft} />
      ) : (
        <ListInput id={id} feature={feature} list={draft} onList={onDraft} />
      )}
      <p class="note" id={`${id}-note`}>
        {texts.join(' · ')}
      </p>
      {problem !== '' && (
        <p class="field-problem" id={`${id}-problem`}>
          {feature.name} {problem}
        </p>
      )}
    </div>
  )
}

function SingleInput(props: FeatureFieldProps & { id: string; draft: string }) {
  const { id, feature, draft, stored, problem, onDraft } = props
  const { kind, values = [] } = feature
  const common = {
    id,
    value: draft,
    'aria-invalid': problem !== '',
    'aria-describedby': problem === '' ? `${id}-note` : `${id}-note ${id}-problem`,
    onInput: (event: Event) => onDraft((event.currentTarget as HTMLInputElement).value),
  }
  if (kind === 'text' || kind === 'vector') return <textarea {...common} rows={2} />
  const type = kind === 'time' ? timeInput(String(stored)) : 'text'
  return (
    <>
      <input
        {...common}
        type={type}
        step={type === 'datetime-local' ? 1 : undefined}
        inputMode={kind === 'number' ? 'decimal' : undefined}
        autocomplete="off"
        list={values.length > 0 ? `${id}-values` : undefined}
      />
      <KnownValues id={`${id}-values`} values={values} />
    </>
  )
}

/** A list of categories: each with a button that takes it out, and an input that adds one. */
function ListInput(props: {
  id: string
  feature: ModelFeature
  list: readonly string[]
  onList: (list: string[]) => void
}) {
  const { id, feature, list, onList } = props
  const [text, setText] = useState('')
  const add = (): void => {
    const value = text.trim()
    if (value !== '' && !list.includes(value)) onList([...list, value])
    setText('')
  }
  return (
    <div class="list-input">
      <ul class="chips" aria-label={`Values of ${feature.name}`}>
        {list.map((value, i) => (
          <li key={`${value} ${i}`}>
            {value}
            <button
              type="button"
              class="chip-button"
              aria-label={`Remove ${value} from ${feature.name}`}
              onClick={() => onList(list.filter((_one, at) => at !== i))}
            >
              ×
            </button>
          </li>
        ))}
      </ul>
      <div class="list-add">
        <input
          id={id}
          value={text}
          placeholder="add one"
          autocomplete="off"
          list={`${id}-values`}
          aria-describedby={`${id}-note`}
          onInput={(event) => setText(event.currentTarget.value)}
          onKeyDown={(event) => {
            if (event.key !== 'Enter') return
            event.preventDefault() // it would save the row
            add()
          }}
        />
        <button type="button" onClick={add} aria-label={`Add to ${feature.name}`}>
          Add
        </button>
      </div>
      <KnownValues
        id={`${id}-values`}
        values={(feature.values ?? []).filter((value) => !list.includes(value))}
      />
    </div>
  )
}

function KnownValues({ id, values }: { id: string; values: readonly string[] }) {
  if (values.length === 0) return null
  return (
    <datalist id={id}>
      {values.map((value) => (
        <option key={value} value={value} />
      ))}
    </datalist>
  )
}

function shownDraft(draft: Draft): string {
  return typeof draft === 'string' ? draft : draft.join(', ')
}
