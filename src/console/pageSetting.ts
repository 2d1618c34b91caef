/** What the server has told the page; '': nothing. */
export function pageSetting(name: 'keys' | 'map-tiles' | 'map-attribution'): string {
  return document.querySelector<HTMLMetaElement>(`meta[name="nearrank-${name}"]`)?.content ?? ''
}
