import { useCallback, useEffect, useState } from 'preact/hooks'
import { type Address, formatAddress, parseAddress } from './address.ts'

/**
 * What the address of the page says, and a function that changes it. Changes replace the entry of the
 * history: whoever goes back wants the view before, not each place of a drag.
 */
export function useAddress(): [Address, (address: Address) => void] {
  const [address, setAddress] = useState(() => parseAddress(location.hash))
  useEffect(() => {
    const follow = () => setAddress(parseAddress(location.hash))
    addEventListener('hashchange', follow)
    return () => removeEventListener('hashchange', follow)
  }, [])
  const change = useCallback((to: Address) => {
    history.replaceState(null, '', formatAddress(to))
    setAddress(to)
  }, [])
  return [address, change]
}
