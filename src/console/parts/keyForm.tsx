import { useEffect, useRef, useState } from 'preact/hooks'
import { isKey } from '../api/sessionKey.ts'

/** Asks for the API key. */
export function KeyForm({ isRefused, onKey }: { isRefused: boolean; onKey: (key: string) => void }) {
  const field = useRef<HTMLInputElement>(null)
  const [isNone, setIsNone] = useState(false)
  useEffect(() => field.current?.focus(), [isRefused])
  const problem = isNone
    ? 'A key has visible ASCII characters alone, and no spaces.'
    : isRefused
      ? 'The server does not know this key.'
      : undefined
  const take = (event: Event): void => {
    event.preventDefault()
    const key = field.current?.value.trim() ?? ''
    setIsNone(!isKey(key))
    if (isKey(key)) onKey(key)
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
        aria-invalid={problem !== undefined}
        aria-describedby={problem === undefined ? undefined : 'api-key-problem'}
      />
      {problem !== undefined && (
        <p id="api-key-problem" class="field-problem" role="alert">
          {problem}
        </p>
      )}
      <button type="submit" class="primary">
        Use this key
      </button>
    </form>
  )
}
