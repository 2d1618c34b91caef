import { useEffect, useState } from 'preact/hooks'

/** Whether anybody can see the page: not while it is in a tab behind, or minimised. */
export function useVisible(): boolean {
  const [isVisible, setIsVisible] = useState(isSeen)
  useEffect(() => {
    const follow = () => setIsVisible(isSeen())
    document.addEventListener('visibilitychange', follow)
    return () => document.removeEventListener('visibilitychange', follow)
  }, [])
  return isVisible
}

function isSeen(): boolean {
  return document.visibilityState === 'visible'
}
