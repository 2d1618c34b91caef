import { useState } from 'preact/hooks'

const COPIED_MS = 2000 // for which the button says so

/** Copies a text. Where the browser forbids it, the text is shown to be copied by hand. */
export function CopyButton({ label, text }: { label: string; text: () => string }) {
  const [isCopied, setIsCopied] = useState(false)
  const [shown, setShown] = useState<string | null>(null)
  const copy = async (): Promise<void> => {
    const copied = text()
    try {
      await navigator.clipboard.writeText(copied) // absent without HTTPS, unless on this machine
      setIsCopied(true)
      setShown(null)
      setTimeout(() => setIsCopied(false), COPIED_MS)
    } catch {
      setShown(copied)
    }
  }
  return (
    <>
      <button type="button" onClick={() => void copy()}>
        {isCopied ? 'Copied' : label}
      </button>
      <span class="visually-hidden" role="status">
        {isCopied ? 'Copied' : ''}
      </span>
      {shown !== null && (
        <textarea
          class="copied-text"
          readOnly
          rows={5}
          aria-label={`${label}: to copy by hand`}
          value={shown}
        />
      )}
    </>
  )
}
