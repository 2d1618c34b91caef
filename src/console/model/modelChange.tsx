import { useState } from 'preact/hooks'
import type { ServedModel } from '../../client/types.ts'
import type { ConsoleApi } from '../api/consoleApi.ts'
import { type ModelReport, type ModelReports, textIn } from '../api/modelReports.ts'
import { formatMoment } from '../parts/formatMoment.ts'
import { Dialog } from '../parts/dialog.tsx'
import { ErrorNote } from '../parts/errorNote.tsx'

type Way = 'reload' | 'rollback'

const WORDS = {
  reload: {
    title: 'Reload the model?',
    confirm: 'Reload',
    text: 'The server loads the folder and checks it while the current model is served, then swaps them between two requests. If it cannot be served, the current one stays.',
  },
  rollback: {
    title: 'Roll the model back?',
    confirm: 'Roll back',
    text: 'The server returns to the previous model between two requests. A second rollback undoes the first.',
  },
} as const

export interface ModelChangeProps {
  api: ConsoleApi
  reports: ModelReports
  onChanged: (served: ServedModel) => void
  onFailed: () => void // whether anything has changed is not known
}

/** The models that may take the place of the current one, and the ways to let them. */
export function ModelChange({ api, reports, onChanged, onFailed }: ModelChangeProps) {
  const [asked, setAsked] = useState<Way>()
  const [isBusy, setIsBusy] = useState(false)
  const [error, setError] = useState<unknown>()
  const { current, previous, folder, folderProblem } = reports
  const change = async (way: Way): Promise<void> => {
    setIsBusy(true)
    setError(undefined)
    try {
      onChanged(await api.modelChanger[way]())
    } catch (reason) {
      setError(reason)
      onFailed()
    } finally {
      setIsBusy(false)
      setAsked(undefined)
    }
  }
  return (
    <>
      {error !== undefined && <ErrorNote error={error} />}
      <div class="cards cards-2">
        <section class="card candidate" aria-labelledby="model-folder">
          <h2 id="model-folder">In the folder</h2>
          {folder ? (
            folder.checksum === current.checksum ? (
              <p>The same model that is served.</p>
            ) : (
              <CandidateFacts report={folder} />
            )
          ) : (
            <p class="bad">{folderProblem}</p>
          )}
          <button type="button" onClick={() => setAsked('reload')}>
            Reload…
          </button>
        </section>
        <section class="card candidate" aria-labelledby="model-previous">
          <h2 id="model-previous">Before</h2>
          {previous ? (
            <>
              <CandidateFacts report={previous} />
              <button type="button" onClick={() => setAsked('rollback')}>
                Roll back…
              </button>
            </>
          ) : (
            <p>No other model has been served since the start.</p>
          )}
        </section>
      </div>
      {asked && (
        <Dialog
          {...WORDS[asked]}
          isBusy={isBusy}
          onConfirm={() => void change(asked)}
          onClose={() => setAsked(undefined)}
        >
          <p>{WORDS[asked].text}</p>
        </Dialog>
      )}
    </>
  )
}

function CandidateFacts({ report }: { report: ModelReport }) {
  const madeAt = textIn(report.training, 'madeAt')
  return (
    <p>
      {madeAt === '' ? 'Another model' : `Trained ${formatMoment(madeAt)}`}, weights{' '}
      <code>{report.checksum.slice(0, 12)}</code>. Its measures stand below.
    </p>
  )
}
