import { useCallback, useEffect, useRef, useState } from 'preact/hooks'
import { type Address, formatAddress, parseAddress } from './address.ts'

/**
 * What the address of the page says, and a function that changes it. Changes replace the entry of the
 * history: whoever goes back wants the view before, not each place of a drag.
 */
export function useAddress(): [Address, (address: Address) => void] {
  const [{ hash, address }, setShown] = useState(fromPage)
  const shownHash = useRef(hash)
  shownHash.current = hash
  useEffect(() => {
    const follow = () => setShown(fromPage())
    addEventListener('hashchange', follow)
    return () => removeEventListener('hashchange', follow)
  }, [])
  const change = useCallback((to: Address) => {
    // Somebody has gone elsewhere, which is not shown yet: that counts, and not what was decided before.
    if (location.hash !== shownHash.current) return
    history.replaceState(null, '', formatAddress(to))
    shownHash.current = location.hash
    setShown({ hash: location.hash, address: to })
  }, [])
  return [address, change]
}

function fromPage(): { hash: string; address: Address } {
  return { hash: location.hash, address: parseAddress(location.hash) }
}
