import { type RefObject } from 'preact'
import { useEffect, useState } from 'preact/hooks'

/** How wide an element is, in pixels; 0 until it is known. */
export function useWidth(of: RefObject<Element | null>): number {
  const [width, setWidth] = useState(0)
  useEffect(() => {
    const element = of.current
    if (!element) return undefined
    const observer = new ResizeObserver(([{ contentRect }]) => setWidth(Math.floor(contentRect.width)))
    observer.observe(element)
    return () => observer.disconnect()
  }, [of])
  return width
}
