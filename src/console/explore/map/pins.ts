import {
  divIcon,
  type LayerGroup,
  layerGroup,
  type Map as LeafletMap,
  type Marker,
  marker,
} from './leaflet.ts'
import type { ScoreColour } from '../scoreColours.ts'

export interface Pin {
  id: string
  rank: number // from 1
  latitude: number
  longitude: number
  before: number // how many better ones lie at the same place
  colour: ScoreColour
  label: string
  isSelected: boolean
}

interface Drawn {
  marker: Marker
  mark: HTMLElement
}

const SIZE_PX = 26
const FAN_PX = 16 // between pins of one place, whose numbers then can be read
const FAN_COLUMNS = 5

/** The numbered pins of one ranked list. Pins that stay are changed and not made again. */
export class Pins {
  readonly #group: LayerGroup
  readonly #onPin: (id: string) => void
  readonly #drawn = new Map<string, Drawn>()

  constructor(map: LeafletMap, onPin: (id: string) => void) {
    this.#group = layerGroup().addTo(map)
    this.#onPin = onPin
  }

  show(pins: readonly Pin[]): void {
    const wanted = new Set(pins.map(({ id }) => id))
    for (const [id, drawn] of this.#drawn)
      if (!wanted.has(id)) {
        drawn.marker.remove()
        this.#drawn.delete(id)
      }
    for (const pin of pins) this.#draw(pin)
  }

  #draw(pin: Pin): void {
    const { id, rank, latitude, longitude, before, colour, label, isSelected } = pin
    const drawn = this.#drawn.get(id) ?? this.#add(pin)
    const { mark } = drawn
    drawn.marker.setLatLng([latitude, longitude])
    drawn.marker.setZIndexOffset(isSelected ? 100_000 : -100 * rank) // the best lie on top
    mark.textContent = String(rank)
    mark.title = label
    mark.classList.toggle('is-selected', isSelected)
    mark.style.translate = `${FAN_PX * (before % FAN_COLUMNS)}px ${FAN_PX * Math.floor(before / FAN_COLUMNS)}px`
    mark.style.background = colour.fill
    mark.style.color = colour.ink
  }

  #add({ id, latitude, longitude }: Pin): Drawn {
    const mark = document.createElement('span')
    mark.className = 'pin'
    const icon = divIcon({ className: '', html: mark, iconSize: [SIZE_PX, SIZE_PX] })
    // The list beside the map is there for the keyboard.
    const added = marker([latitude, longitude], {
      icon,
      keyboard: false,
      riseOnHover: true,
      riseOffset: 50_000,
    })
    added.on('click', () => this.#onPin(id))
    added.addTo(this.#group)
    const drawn = { marker: added, mark }
    this.#drawn.set(id, drawn)
    return drawn
  }
}
