/** Where the server is, without a slash at the end: scripts of the console lie in its folder `console`. */
export function serverRoot(): string {
  return new URL('..', import.meta.url).href.replace(/\/$/, '')
}
