import type { ComponentChildren } from 'preact'
import { useEffect, useId, useRef } from 'preact/hooks'

export interface DialogProps {
  title: string
  confirm: string // what the button says that does it
  isBusy: boolean
  onConfirm: () => void
  onClose: () => void
  children: ComponentChildren
}

/** Asks before something is done. The browser keeps the focus in it and gives it back; Escape closes it. */
export function Dialog({ title, confirm, isBusy, onConfirm, onClose, children }: DialogProps) {
  const dialog = useRef<HTMLDialogElement>(null)
  const titleId = useId()
  useEffect(() => {
    const element = dialog.current
    element?.showModal()
    return () => element?.close()
  }, [])
  return (
    <dialog ref={dialog} aria-labelledby={titleId} onClose={onClose}>
      <h2 id={titleId}>{title}</h2>
      {children}
      <div class="actions">
        <button type="button" class="primary" disabled={isBusy} onClick={onConfirm}>
          {isBusy ? 'Wait…' : confirm}
        </button>
        <button type="button" onClick={onClose}>
          Cancel
        </button>
      </div>
    </dialog>
  )
}
