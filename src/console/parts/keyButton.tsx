/** Forgets the API key of this tab. */
export function KeyButton({ onForget }: { onForget: () => void }) {
  return (
    <button type="button" class="quiet key-button" onClick={onForget}>
      <svg
        viewBox="0 0 24 24"
        width="18"
        height="18"
        fill="none"
        stroke="currentColor"
        stroke-width="2"
        aria-hidden="true"
      >
        <circle cx="8" cy="15" r="4.5" />
        <path d="M11.5 11.5 20 3m-4 4 3.5 3.5" />
      </svg>
      <span class="key-words">Forget key</span>
    </button>
  )
}
