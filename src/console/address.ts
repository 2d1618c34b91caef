export const VIEW_NAMES = ['explore', 'live', 'model', 'rows'] as const
export type ViewName = (typeof VIEW_NAMES)[number]

/** What the page's address says behind its #: the browser keeps that to itself, so no log has it. */
export interface Address {
  view: ViewName
  params: URLSearchParams
}

/** Reads `#/rows?side=users&id=42`; anything else is the first view. */
export function parseAddress(hash: string): Address {
  const [, name, query] = /^#?\/?([^?]*)\??(.*)$/s.exec(hash) ?? []
  const view = VIEW_NAMES.find((known) => known === name) ?? VIEW_NAMES[0]
  return { view, params: new URLSearchParams(view === name ? query : '') }
}

export function formatAddress({ view, params }: Address): string {
  const query = params.toString()
  return `#/${view}${query === '' ? '' : `?${query}`}`
}
