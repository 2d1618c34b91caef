import { useEffect, useRef } from 'preact/hooks'
import { loadBackground } from './map/background.ts'
import type { Pin } from './map/pins.ts'
import { type Place, RankingMap, type Tiles } from './map/rankingMap.ts'
import { COLOUR_STEPS, scoreColour, type ScoreRange } from './scoreColours.ts'

export interface MapPaneProps {
  tiles: Tiles | null
  place: Place
  reachM: number
  pins: readonly Pin[]
  range: ScoreRange
  onPlace: (place: Place, isFinal: boolean) => void
  onPin: (id: string) => void
}

/** The map and its legend. */
export function MapPane({ tiles, place, reachM, pins, range, onPlace, onPin }: MapPaneProps) {
  const element = useRef<HTMLDivElement>(null)
  const shown = useRef<RankingMap>(undefined)
  const handlers = useRef({ onPlace, onPin })
  handlers.current = { onPlace, onPin }

  useEffect(() => {
    if (!element.current) return undefined
    const made = new RankingMap(element.current, {
      tiles,
      onPlace: (...moved) => handlers.current.onPlace(...moved),
      onPin: (id) => handlers.current.onPin(id),
    })
    shown.current = made
    // Without it the map is bare, and does all that it should.
    if (!tiles)
      loadBackground().then(
        (background) => shown.current === made && made.showBackground(background),
        () => undefined,
      )
    return () => {
      shown.current = undefined
      made.remove()
    }
  }, [])
  useEffect(() => {
    shown.current?.showRequest(place, reachM)
    if (shown.current?.showsPlace === false) shown.current.fit()
  }, [place.latitude, place.longitude])
  useEffect(() => {
    shown.current?.showRequest(place, reachM)
    shown.current?.fit()
  }, [reachM])
  useEffect(() => shown.current?.showPins(pins), [pins])

  return (
    <section class="map-pane" aria-label="Map">
      <div class="map" ref={element} />
      <Legend range={range} />
    </section>
  )
}

function Legend({ range }: { range: ScoreRange }) {
  const { low, high } = range
  const step = (high - low) / COLOUR_STEPS
  return (
    <p class="legend">
      <span>{low.toFixed(3)}</span>
      <span class="legend-scale" aria-hidden="true">
        {Array.from({ length: COLOUR_STEPS }, (_, i) => (
          <span key={i} style={{ background: scoreColour(low + (i + 0.5) * step, range).fill }} />
        ))}
      </span>
      <span>{high.toFixed(3)}</span>
      <span class="visually-hidden">are the lowest and the highest score shown</span>
    </p>
  )
}
