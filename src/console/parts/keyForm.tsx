import { useEffect, useRef } from 'preact/hooks'

/** Asks for the API key. */
export function KeyForm({ isRefused, onKey }: { isRefused: boolean; onKey: (key: string) => void }) {
  const field = useRef<HTMLInputElement>(null)
  useEffect(() => field.current?.focus(), [isRefused])
  const take = (event: Event): void => {
    event.preventDefault()
    const key = field.current?.value.trim() ?? ''
    if (key !== '') onKey(key)
  }
  return (
    <form class="key-form card" onSubmit={take}>
      <h1>This server asks for a key</h1>
      <p>
        It stays in this tab, is sent to this server only, and is forgotten when the tab is closed.{' '}
        <code>nearrank api-key</code> makes one.
      </p>
      <label for="api-key">API key</label>
      <input
        id="api-key"
        ref={field}
        type="password"
        autocomplete="off"
        spellcheck={false}
        required
        aria-invalid={isRefused}
        aria-describedby={isRefused ? 'api-key-problem' : undefined}
      />
      {isRefused && (
        <p id="api-key-problem" class="field-problem" role="alert">
          The server does not know this key.
        </p>
      )}
      <button type="submit" class="primary">
        Use this key
      </button>
    </form>
  )
}
