const NAME = 'nearrank-key'

/** The API key of this tab; it is gone when the tab is closed. null: none was given. */
export function readSessionKey(): string | null {
  return storage()?.getItem(NAME) ?? null
}

export function keepSessionKey(key: string | null): void {
  if (key === null) storage()?.removeItem(NAME)
  else storage()?.setItem(NAME, key)
}

/** undefined: the browser forbids it, and the key is kept until the page is loaded again. */
function storage(): Storage | undefined {
  try {
    return sessionStorage
  } catch {
    return undefined
  }
}
