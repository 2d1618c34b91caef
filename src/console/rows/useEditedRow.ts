import { useState } from 'preact/hooks'
import type { FeatureValue } from '../../client/types.ts'
import type { ConsoleApi } from '../api/consoleApi.ts'
import type { ModelFeature, SideFeatures } from '../api/modelFeatures.ts'
import { areSameDrafts, type Draft, draftOf } from './drafts.ts'
import { lookUp } from './lookUp.ts'
import { areSame, PLACE_FEATURES, type StoredRow, storedValues, writtenRow } from './storedRow.ts'

const CHANGED_ELSEWHERE =
  'Not written: the row was changed elsewhere since it was read. What you have not touched shows its new value now.'
const DELETED_ELSEWHERE =
  'The row was deleted elsewhere since it was read. Put back writes it as it was when it was looked up.'

export interface RowEditorProps {
  api: ConsoleApi
  loaded: StoredRow // as it was when it was looked up
  takes: SideFeatures
  onWritten: (row: StoredRow) => void
}

/** A row, what is stored of it, and what stands in its inputs. */
export function useEditedRow({ api, loaded, takes, onWritten }: RowEditorProps) {
  const [stored, setStored] = useState(loaded)
  const fields = loaded.side === 'users' ? takes.features : [...takes.features, ...PLACE_FEATURES]
  const storedDrafts = draftsOf(stored, takes, fields)
  const [drafts, setDrafts] = useState<readonly Draft[]>(storedDrafts)
  const [state, setState] = useState<{ isBusy?: boolean; error?: unknown; done?: string }>({})

  /** Writes `row` in place of what is stored, unless that has changed since it was read. */
  const write = async (row: StoredRow, done: string): Promise<void> => {
    setState({ isBusy: true })
    try {
      const now = await lookUp(api, row.side, row.row.id)
      if (now && !areSame(now, stored)) {
        show(now, storedDrafts)
        setState({ done: CHANGED_ELSEWHERE })
        return
      }
      if (!now && row !== loaded) throw new Error(DELETED_ELSEWHERE)
      await api.client.putFeatures([writtenRow(row)])
      // As the server keeps it; who cannot be asked just now has it all the same.
      const written = (await lookUp(api, row.side, row.row.id).catch(() => undefined)) ?? row
      show(written, drafts)
      setState({ done })
      onWritten(written)
    } catch (error) {
      setState({ error })
    }
  }
  /** What has not been changed since `before` follows what is stored. */
  const show = (now: StoredRow, before: readonly Draft[]): void => {
    setStored(now)
    const fresh = draftsOf(now, takes, fields)
    setDrafts((current) =>
      fresh.map((draft, i) => (areSameDrafts(current[i], before[i]) ? draft : current[i])),
    )
  }
  return { stored, fields, values: valuesOf(stored, takes), storedDrafts, drafts, setDrafts, state, write }
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
