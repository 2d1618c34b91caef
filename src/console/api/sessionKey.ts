const NAME = 'nearrank-key'
const KEY = /^[\x21-\x7e]+$/ // what the client takes for one

/** The API key of this tab; it is gone when the tab is closed. null: none was given. */
export function readSessionKey(): string | null {
  const key = storage()?.getItem(NAME) ?? null
  return key !== null && isKey(key) ? key : null
}

export function keepSessionKey(key: string | null): void {
  if (key === null) storage()?.removeItem(NAME)
  else storage()?.setItem(NAME, key)
}

/** Whether a text can be a key at all: visible ASCII characters. */
export function isKey(text: string): boolean {
  return KEY.test(text)
}

/** undefined: the browser forbids it, and the key is kept until the page is loaded again. */
function storage(): Storage | undefined {
  try {
    return sessionStorage
  } catch {
    return undefined
  }
}
