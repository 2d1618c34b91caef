import { useState } from 'preact/hooks'
import type { FeatureValue } from '../../client/types.ts'
import type { ConsoleApi } from '../api/consoleApi.ts'
import type { ModelFeature, SideFeatures } from '../api/modelFeatures.ts'
import { ErrorNote } from '../parts/errorNote.tsx'
import { type Draft, draftOf, toldBy } from './drafts.ts'
import { FeatureField } from './featureField.tsx'
import { lookUp } from './lookUp.ts'
import {
  areSame,
  PLACE_FEATURES,
  SIDE_NAMES,
  type StoredRow,
  storedValues,
  withValues,
  writtenRow,
} from './storedRow.ts'

const CHANGED_ELSEWHERE =
  'Not saved: the row was changed elsewhere since it was read. What you have not touched shows its new value now; save once more to write the rest.'

export interface RowEditorProps {
  api: ConsoleApi
  loaded: StoredRow // as it was when it was looked up
  takes: SideFeatures
  onWritten: (row: StoredRow) => void
}

/** The features of a row, to be changed. */
export function RowEditor({ api, loaded, takes, onWritten }: RowEditorProps) {
  const [stored, setStored] = useState(loaded)
  const fields = loaded.side === 'users' ? takes.features : [...takes.features, ...PLACE_FEATURES]
  const values = valuesOf(stored, takes)
  const storedDrafts = fields.map((feature, i) => draftOf(feature, values[i]))
  const [drafts, setDrafts] = useState<readonly Draft[]>(storedDrafts)
  const [state, setState] = useState<{ isBusy?: boolean; error?: unknown; done?: string }>({})
  const told = fields.map((feature, i) => toldBy(feature, drafts[i], values[i]))
  const isChanged = drafts.some((draft, i) => String(draft) !== String(storedDrafts[i]))

  /** Writes `row` in place of what is stored, unless that has changed since it was read. */
  const write = async (row: StoredRow, done: string): Promise<void> => {
    setState({ isBusy: true })
    try {
      const now = await readAgain(api, stored)
      if (!areSame(now, stored)) {
        setStored(now)
        const fresh = draftsOf(now, takes, fields)
        setDrafts(fresh.map((draft, i) => keptDraft(drafts[i], storedDrafts[i], draft)))
        setState({ done: CHANGED_ELSEWHERE })
        return
      }
      await api.client.putFeatures([writtenRow(row)])
      const written = await readAgain(api, row) // as the server keeps it
      setStored(written)
      setDrafts(draftsOf(written, takes, fields))
      setState({ done })
      onWritten(written)
    } catch (error) {
      setState({ error })
    }
  }
  const save = (event: SubmitEvent): void => {
    event.preventDefault()
    if (!isChanged || state.isBusy) return
    const all = told.flatMap((one) => ('value' in one ? [one.value] : []))
    if (all.length === told.length)
      void write(changedRow(stored, takes, all), 'Saved: every list is ranked with it now.')
    else focusFirstProblem(event.currentTarget as HTMLFormElement)
  }
  const putBack = (): void => {
    if (stored !== loaded && !state.isBusy) void write(loaded, 'Put back as it was when it was looked up.')
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
            onDraft={(draft) => setDrafts(drafts.with(i, draft))}
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
        <button type="button" aria-disabled={stored === loaded || state.isBusy === true} onClick={putBack}>
          Put back
        </button>
      </div>
      <p class="note" role="status">
        {state.isBusy ? 'Saving…' : state.done}
      </p>
    </form>
  )
}

/** @throws Error if the row is gone. */
async function readAgain(api: ConsoleApi, { side, row }: StoredRow): Promise<StoredRow> {
  const now = await lookUp(api, side, row.id)
  if (!now) throw new Error(`The ${SIDE_NAMES[side]} ${String(row.id)} has been deleted elsewhere.`)
  return now
}

/** A draft that was changed stays; another one follows what is stored. */
function keptDraft(draft: Draft, before: Draft, now: Draft): Draft {
  return String(draft) === String(before) ? now : draft
}

function problemOf(told: ReturnType<typeof toldBy>): string {
  return 'problem' in told ? told.problem : ''
}

/** Of the features, and of the place of a restaurant behind them. */
function valuesOf(stored: StoredRow, takes: SideFeatures): (FeatureValue | undefined)[] {
  const values = storedValues(stored, takes)
  return stored.side === 'users' ? values : [...values, stored.row.latitude, stored.row.longitude]
}

function draftsOf(stored: StoredRow, takes: SideFeatures, fields: readonly ModelFeature[]): Draft[] {
  const values = valuesOf(stored, takes)
  return fields.map((feature, i) => draftOf(feature, values[i]))
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
