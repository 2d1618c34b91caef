import type { FeatureValue } from '../../client/types.ts'
import type { SideFeatures } from '../api/modelFeatures.ts'
import { ErrorNote } from '../parts/errorNote.tsx'
import { areSameDrafts, toldBy } from './drafts.ts'
import { FeatureField } from './featureField.tsx'
import { PLACE_FEATURES, SIDE_NAMES, type StoredRow, withValues } from './storedRow.ts'
import { type RowEditorProps, useEditedRow } from './useEditedRow.ts'

/** The features of a row, to be changed. */
export function RowEditor(props: RowEditorProps) {
  const { loaded, takes } = props
  const { stored, fields, values, storedDrafts, drafts, setDrafts, state, write } = useEditedRow(props)
  const told = fields.map((feature, i) => toldBy(feature, drafts[i], values[i]))
  const isChanged = drafts.some((draft, i) => !areSameDrafts(draft, storedDrafts[i]))
  const save = (event: SubmitEvent): void => {
    event.preventDefault()
    if (!isChanged || state.isBusy) return
    const all = told.flatMap((one) => ('value' in one ? [one.value] : []))
    if (all.length === told.length)
      void write(changedRow(stored, takes, all), 'Saved: every list is ranked with it now.')
    else focusFirstProblem(event.currentTarget as HTMLFormElement)
  }
  const mayPutBack = stored !== loaded || state.error !== undefined
  const putBack = (): void => {
    if (mayPutBack && !state.isBusy) void write(loaded, 'Put back as it was when it was looked up.')
  }
  return (
    <form class="card row-editor" onSubmit={save} aria-labelledby="rows-title" noValidate>
      <h2 id="rows-title">
        {loaded.side === 'users' ? 'User' : 'Restaurant'} {String(loaded.row.id)}
      </h2>
      {fields.length === 0 && <p>The model takes no features of a {SIDE_NAMES[loaded.side]}.</p>}
      <div class="row-fields">
        {fields.map((feature, i) => (
          <FeatureField
            key={`${i} ${feature.name}`}
            feature={feature}
            draft={drafts[i]}
            stored={storedDrafts[i]}
            problem={problemOf(told[i])}
            onDraft={(draft) => setDrafts((current) => current.with(i, draft))}
          />
        ))}
      </div>
      {state.error !== undefined && <ErrorNote error={state.error} />}
      <div class="actions">
        <button type="submit" class="primary" aria-disabled={!isChanged || state.isBusy === true}>
          Save
        </button>
        <button type="button" aria-disabled={!isChanged} onClick={() => setDrafts(storedDrafts)}>
          Discard
        </button>
        <button type="button" aria-disabled={!mayPutBack || state.isBusy === true} onClick={putBack}>
          Put back
        </button>
      </div>
      <p class="note" role="status">
        {state.isBusy ? 'Saving…' : state.done}
      </p>
    </form>
  )
}

function problemOf(told: ReturnType<typeof toldBy>): string {
  return 'problem' in told ? told.problem : ''
}

function changedRow(stored: StoredRow, takes: SideFeatures, values: readonly FeatureValue[]): StoredRow {
  const { side, row } = stored
  const features = withValues(stored, takes, values.slice(0, takes.features.length)) as typeof row.features
  if (side === 'users') return { side, row: { ...row, features } }
  const [latitude, longitude] = values.slice(-PLACE_FEATURES.length).map(Number)
  return { side, row: { ...row, features, latitude, longitude } }
}

function focusFirstProblem(form: HTMLFormElement): void {
  form.querySelector<HTMLElement>('[aria-invalid="true"]')?.focus()
}
