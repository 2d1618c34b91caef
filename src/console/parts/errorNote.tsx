import { NearrankApiError } from '../../client/nearrankApiError.ts'

/** What went wrong: of a call the problem that the server told. */
export function ErrorNote({ error, onRetry }: { error: unknown; onRetry?: () => void }) {
  const { title, detail, code } = wordsOf(error)
  return (
    <div class="error-note" role="alert">
      <p class="error-title">{title}</p>
      {detail !== '' && <p>{detail}</p>}
      {(code !== '' || onRetry) && (
        <p class="error-foot">
          {code !== '' && <code>{code}</code>}
          {onRetry && (
            <button type="button" onClick={onRetry}>
              Try again
            </button>
          )}
        </p>
      )}
    </div>
  )
}

function wordsOf(error: unknown): { title: string; detail: string; code: string } {
  if (error instanceof NearrankApiError) return error
  const detail = error instanceof Error ? error.message : String(error)
  return { title: 'The console could not go on', detail, code: '' }
}
