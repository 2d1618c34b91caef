import { useMemo, useRef, useState } from 'preact/hooks'
import { formatAddress, type ViewName } from './address.ts'
import { ConsoleApi } from './api/consoleApi.ts'
import { keepSessionKey, readSessionKey } from './api/sessionKey.ts'
import { KeyForm } from './parts/keyForm.tsx'
import { TopBar } from './parts/topBar.tsx'
import { ViewFrame } from './parts/viewFrame.tsx'
import { useAddress } from './useAddress.ts'

/** The whole page: the bar, and below it one view, or the question for a key. */
export function App({ root, needsKey }: { root: string; needsKey: boolean }) {
  const [address, setAddress] = useAddress()
  const [key, setKey] = useState(readSessionKey)
  const [isRefused, setIsRefused] = useState(false)
  const lastParams = useRef<Partial<Record<ViewName, URLSearchParams>>>({})
  lastParams.current[address.view] = address.params

  const takeKey = (given: string | null, refused = false): void => {
    keepSessionKey(given)
    setKey(given)
    setIsRefused(refused)
  }
  const api = useMemo(
    () => new ConsoleApi({ root, key, onUnknownKey: () => takeKey(null, key !== null) }),
    [root, key],
  )
  const linkTo = (view: ViewName) =>
    formatAddress({ view, params: lastParams.current[view] ?? new URLSearchParams() })
  return (
    <>
      <a class="skip-link" href="#main" onClick={focusMain}>
        Skip to content
      </a>
      <TopBar
        current={address.view}
        linkTo={linkTo}
        {...(key !== null && { onForgetKey: () => takeKey(null) })}
      />
      <main id="main" tabIndex={-1}>
        {needsKey && key === null ? (
          <KeyForm isRefused={isRefused} onKey={takeKey} />
        ) : (
          <ViewFrame
            view={address.view}
            api={api}
            params={address.params}
            {...(address.unknownView !== undefined && { unknownView: address.unknownView })}
            setParams={(params) => setAddress({ view: address.view, params })}
          />
        )}
      </main>
    </>
  )
}

/** In place of the link, which would change the address that the views are kept in. */
function focusMain(event: Event): void {
  event.preventDefault()
  document.getElementById('main')?.focus()
}
