import type { Background } from './background.ts'
import {
  canvas,
  type Circle,
  circle,
  control,
  divIcon,
  geoJSON,
  latLng,
  type LatLng,
  type Map as LeafletMap,
  map,
  type Marker,
  marker,
  tileLayer,
} from './leaflet.ts'
import { type Pin, Pins } from './pins.ts'

export interface Place {
  latitude: number // degrees
  longitude: number
}

/** Pictures of the map that the operator of the server has chosen. */
export interface Tiles {
  url: string
  attribution: string
}

export interface RankingMapOptions {
  tiles: Tiles | null
  onPlace: (place: Place, isFinal: boolean) => void // not final: it is being dragged
  onPin: (id: string) => void
}

const ZOOM_MAX = 18
const STEP_PX = 16 // of the place, by an arrow key
const STEPS: Readonly<Record<string, readonly [number, number]>> = {
  ArrowLeft: [-STEP_PX, 0],
  ArrowRight: [STEP_PX, 0],
  ArrowUp: [0, -STEP_PX],
  ArrowDown: [0, STEP_PX],
}

/** The map: where the user is, how far the request reaches, and the pins. */
export class RankingMap {
  readonly #map: LeafletMap
  readonly #options: RankingMapOptions
  readonly #place: Marker
  readonly #reach: Circle
  readonly #pins: Pins
  readonly #isDark = matchMedia('(prefers-color-scheme: dark)')
  readonly #removed = new AbortController()
  #restyle: (() => void) | undefined
  #isDragged = false // the place, by whoever looks

  constructor(element: HTMLElement, options: RankingMapOptions) {
    this.#options = options
    const animates = !matchMedia('(prefers-reduced-motion: reduce)').matches
    const settings = { minZoom: 2, maxZoom: ZOOM_MAX, zoomControl: false, worldCopyJump: true }
    this.#map = map(element, { ...settings, zoomAnimation: animates, fadeAnimation: animates })
    this.#map.setView([0, 0], 2)
    this.#map.attributionControl.setPrefix(false)
    control.zoom({ position: 'topright' }).addTo(this.#map)
    control.scale({ position: 'bottomright', imperial: false }).addTo(this.#map)
    const { tiles } = options
    if (tiles) {
      // The servers of tiles want to know which site asks; the address of the page stays here.
      const { url, attribution } = tiles
      tileLayer(url, {
        attribution: escaped(attribution),
        maxZoom: ZOOM_MAX,
        referrerPolicy: 'origin',
      }).addTo(this.#map)
    }
    this.#reach = circle([0, 0], { radius: 0, interactive: false, className: 'reach' }).addTo(this.#map)
    this.#pins = new Pins(this.#map, options.onPin)
    this.#place = marker([0, 0], {
      icon: divIcon({ className: 'place-pin', html: document.createElement('span'), iconSize: [34, 34] }),
      draggable: true,
      zIndexOffset: 200_000,
    }).addTo(this.#map)
    this.#listen()
  }

  #listen(): void {
    this.#place.on('dragstart', () => (this.#isDragged = true))
    this.#place.on('drag', () => this.#tellPlace(false))
    this.#place.on('dragend', () => {
      this.#isDragged = false
      this.#tellPlace(true)
    })
    const element = this.#place.getElement()
    element?.setAttribute('aria-label', 'Place of the user: drag it, or move it with the arrow keys')
    element?.addEventListener('keydown', (event) => {
      const step = STEPS[event.key]
      if (!step) return
      event.preventDefault()
      event.stopPropagation() // from the map, which would move instead
      const at = this.#map.latLngToContainerPoint(this.#place.getLatLng())
      this.#place.setLatLng(this.#map.containerPointToLatLng(at.add([...step])))
      this.#tellPlace(true)
    })
    const { signal } = this.#removed
    this.#isDark.addEventListener('change', () => this.#restyle?.(), { signal })
  }

  #tellPlace(isFinal: boolean): void {
    const at = this.#place.getLatLng()
    this.#reach.setLatLng(at)
    const { lat, lng } = at.wrap()
    this.#options.onPlace({ latitude: rounded(lat), longitude: rounded(lng) }, isFinal)
  }

  /** Coast lines and borders, below everything else. */
  showBackground({ land, borders }: Background): void {
    const pane = this.#map.createPane('background')
    pane.style.zIndex = '150'
    pane.style.pointerEvents = 'none'
    const renderer = canvas({ pane: 'background', padding: 0.3 })
    const style = { renderer, pane: 'background', interactive: false }
    const attribution = 'Coast lines: Natural Earth'
    const ground = geoJSON(land, { ...style, attribution, style: { stroke: true, weight: 1 } })
    const lines = geoJSON(borders, { ...style, style: { weight: 1, dashArray: '4 3' } })
    ground.addTo(this.#map)
    lines.addTo(this.#map)
    this.#restyle = () => {
      const colours = getComputedStyle(this.#map.getContainer())
      const colour = (name: string) => colours.getPropertyValue(name).trim()
      ground.setStyle({ fillColor: colour('--map-land'), fillOpacity: 1, color: colour('--map-coast') })
      lines.setStyle({ color: colour('--map-border') })
    }
    this.#restyle()
  }

  /** Moves the place there, unless it is there. One that is being dragged is ahead of what is told. */
  showRequest({ latitude, longitude }: Place, reachM: number): void {
    const at = latLng(latitude, longitude)
    if (!this.#isDragged && !isSame(this.#place.getLatLng(), at)) this.#place.setLatLng(at)
    this.#reach.setLatLng(this.#place.getLatLng())
    this.#reach.setRadius(reachM)
  }

  /** Shows all that is within reach. */
  fit(): void {
    this.#map.invalidateSize()
    this.#map.fitBounds(this.#reach.getBounds(), { maxZoom: 16, animate: false })
  }

  /** Whether the place can be seen. */
  get showsPlace(): boolean {
    return this.#map.getBounds().contains(this.#place.getLatLng())
  }

  showPins(pins: readonly Pin[]): void {
    this.#pins.show(pins)
  }

  remove(): void {
    this.#removed.abort()
    this.#map.remove()
  }
}

function isSame(a: LatLng, b: LatLng): boolean {
  const { lat, lng } = a.wrap()
  return Math.abs(lat - b.lat) < 1e-6 && Math.abs(lng - b.lng) < 1e-6
}

/** To a decimetre, so that addresses stay short. */
function rounded(degrees: number): number {
  return Math.round(degrees * 1e6) / 1e6
}

/** Leaflet takes an attribution for HTML. */
function escaped(text: string): string {
  return text.replace(/[&<>"']/g, (char) => `&#${char.charCodeAt(0)};`)
}
