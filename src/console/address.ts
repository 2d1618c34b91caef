export const VIEW_NAMES = ['explore', 'live', 'model', 'rows'] as const
export type ViewName = (typeof VIEW_NAMES)[number]

/** What the page's address says behind its #: the browser keeps that to itself, so no log has it. */
export interface Address {
  view: ViewName
  params: URLSearchParams
  unknownView?: string // that it names, and in whose place the first one is shown; absent: none
}

/** Reads `#/rows?user=42`; anything else is the first view. */
export function parseAddress(hash: string): Address {
  const [, name, query] = /^#?\/?([^?]*)\??(.*)$/s.exec(hash) ?? []
  const view = VIEW_NAMES.find((known) => known === name)
  if (view !== undefined) return { view, params: new URLSearchParams(query) }
  return { view: VIEW_NAMES[0], params: new URLSearchParams(), ...(name && { unknownView: name }) }
}

export function formatAddress({ view, params }: Address): string {
  const query = params.toString()
  return `#/${view}${query === '' ? '' : `?${query}`}`
}
